'use strict';
'require view';
'require rpc';
'require ui';
'require poll';

// What ubus refuses becomes a rejection: without, its number would pass for an answer.
function declare(method, params) {
	return rpc.declare({ object: 'privacy-agent', method: method, params: params, reject: true });
}

const callStatus = declare('status');
const callDevices = declare('devices');
const callFeatures = declare('features');
const callOn = declare('on', [ 'device', 'feature', 'agree' ]);
const callOff = declare('off', [ 'device', 'feature' ]);
const callSetupCode = declare('setup_code');

const POLL_S = 10;

// An element whose strings are text. E() and its kin take a string for HTML; only what stands in an array is not.
function el(tag, attributes, ...children) {
	return E(tag, attributes, children.flat().filter((child) => child !== null && child !== ''));
}

// The agent's own pages: the same host that shows this one, where and how the agent serves them; null if nowhere.
function pagesAddress(status) {
	const web = status.web || {};
	return web.port ? '%s://%s:%d/'.format(web.tls ? 'https' : 'http', window.location.hostname, web.port) : null;
}

function linkToPages(status, text) {
	const address = pagesAddress(status);
	return address && el('a', { 'class': 'btn', 'href': address, 'target': '_blank', 'rel': 'noreferrer' }, text);
}

// An answer with an error becomes a rejection with its sentence, so that every caller treats it alike.
function checked(answer) {
	if (answer && answer.error)
		return Promise.reject(new Error(answer.error.reason
			? _('%s. It ended so: %s').format(answer.error.message, answer.error.reason) : answer.error.message));
	return answer;
}

function day(seconds) {
	return seconds ? new Date(seconds * 1000).toLocaleString() : '';
}

function failed(error) {
	ui.addNotification(null, el('p', {}, error.message), 'warning');
}

return view.extend({
	load: function() {
		return callFeatures().then(checked).then((answer) => {
			this.features = answer.items;
			return this.fetch();
		}).catch((error) => ({ error: error.message }));
	},

	fetch: function() {
		return Promise.all([ callStatus().then(checked), callDevices().then(checked) ])
			.then(([ status, devices ]) => ({ status: status, devices: devices.items }));
	},

	// Before anything is switched on: what it reads, keeps and sends, in the agent's own words.
	ask: function(device, feature) {
		ui.showModal([ _('Switch on %s for %s?').format(feature.title, device.label) ], [
			el('dl', {}, [
				el('dt', {}, _('It reads')), el('dd', {}, feature.reads),
				el('dt', {}, _('It keeps')), el('dd', {}, feature.keeps),
				el('dt', {}, _('It sends')), el('dd', {}, feature.sends)
			]),
			el('div', { 'class': 'right' }, [
				el('button', { 'class': 'btn', 'click': ui.hideModal }, _('Leave it off')), ' ',
				el('button', {
					'class': 'btn cbi-button-action',
					'click': ui.createHandlerFn(this, 'switchOn', device, feature)
				}, _('I agree: switch it on'))
			])
		]);
	},

	switchOn: function(device, feature) {
		return callOn(device.id, feature.name, feature.version).then(checked)
			.then(() => this.refresh()).catch(failed).finally(ui.hideModal);
	},

	switchOff: function(device, feature) {
		return callOff(device.id, feature.name).then(checked).then((answer) => {
			const sentence = answer.remaining
				? _('Off. %d records remain until %s; erase them on the agent’s own pages.')
					.format(answer.remaining, day(answer.until))
				: _('Off. Nothing was recorded, or nothing is left.');
			ui.addNotification(null, el('p', {}, sentence), 'info');
			return this.refresh();
		}).catch(failed);
	},

	newSetupCode: function() {
		return callSetupCode().then(checked).then((answer) => {
			ui.showModal([ _('Setup code') ], [
				el('p', {}, _('Enter it on the agent’s own pages to set their password. It works once, until %s.')
					.format(day(answer.expires_at))),
				el('p', {}, el('strong', { 'style': 'font-size: 160%' }, answer.code)),
				answer.fingerprint ? el('p', {}, [
					_('Their certificate is the router’s own, so browsers ask; it is the right one if they show this:'),
					el('br', {}), el('small', { 'style': 'word-break: break-all' }, answer.fingerprint)
				]) : '',
				el('div', { 'class': 'right' }, el('button', { 'class': 'btn', 'click': ui.hideModal }, _('Close')))
			]);
		}).catch(failed);
	},

	switchOf: function(device, feature) {
		const state = device.features[feature.name];
		const button = state.on
			? el('button', {
				'class': 'btn cbi-button-negative',
				'click': ui.createHandlerFn(this, 'switchOff', device, feature)
			}, _('Switch off'))
			: el('button', {
				'class': 'btn cbi-button-positive',
				'click': ui.createHandlerFn(this, 'ask', device, feature)
			}, _('Switch on'));
		const words = state.on ? _('on since %s').format(day(state.since))
			: (state.suspended ? _('paused') : _('off'));
		// The title names the switch where the table has no head: on a phone.
		return el('td', { 'class': 'td', 'data-title': feature.title }, [ button, ' ', words ]);
	},

	rows: function(devices, status) {
		const head = el('tr', { 'class': 'tr table-titles' }, [ el('th', { 'class': 'th' }, _('Device')) ].concat(
			this.features.map((feature) => el('th', { 'class': 'th' }, feature.title))));
		const rows = devices.map((device) => el('tr', { 'class': 'tr' }, [
			el('td', { 'class': 'td', 'data-title': _('Device') }, [ device.label, el('br', {}), el('small', {}, device.mac || device.address || '') ])
		].concat(this.features.map((feature) => this.switchOf(device, feature)))));
		if (!rows.length)
			rows.push(el('tr', { 'class': 'tr placeholder' }, el('td', { 'class': 'td' }, [
				_('No device is enrolled. Nothing of any device is recorded or refused.'), ' ',
				linkToPages(status, _('Add a device'))
			])));
		return el('table', { 'class': 'table' }, [ head ].concat(rows));
	},

	refresh: function() {
		return this.fetch().then((data) => {
			const place = document.getElementById('privacy-agent');
			if (place)
				place.replaceWith(this.body(data));
		});
	},

	body: function(data) {
		return el('div', { 'id': 'privacy-agent' }, [
			el('p', {}, data.status.health),
			this.rows(data.devices, data.status),
			el('p', {}, [
				linkToPages(data.status, _('Open the agent’s own pages')), ' ',
				el('button', { 'class': 'btn', 'click': ui.createHandlerFn(this, 'newSetupCode') }, _('New setup code'))
			])
		]);
	},

	render: function(data) {
		const page = el('div', { 'class': 'cbi-map' }, [
			el('h2', {}, _('Privacy Agent')),
			el('div', { 'class': 'cbi-map-descr' }, _('Parental controls and real-time protection that stay on this ' +
				'router. History is shown on the agent’s own pages only, after their own login.')),
			data.error ? el('div', { 'class': 'alert-message warning' }, data.error) : this.body(data)
		]);
		if (!data.error)
			poll.add(() => this.refresh(), POLL_S);
		return page;
	},

	handleSave: null,
	handleSaveApply: null,
	handleReset: null
});
