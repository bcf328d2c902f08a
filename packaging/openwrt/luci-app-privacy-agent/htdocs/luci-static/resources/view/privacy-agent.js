'use strict';
'require view';
'require rpc';
'require ui';
'require poll';

// What ubus refuses becomes a rejection: without, its number would pass for an answer.
function declare(method, params) {
	return rpc.declare({ object: 'privacy-agent', method: method, params: params, reject: true });
}

const callStatus = declare('status', [ 'lang' ]);
const callDevices = declare('devices');
const callFeatures = declare('features', [ 'lang' ]);
const callOn = declare('on', [ 'device', 'feature', 'agree' ]);
const callOff = declare('off', [ 'device', 'feature' ]);
const callSetupCode = declare('setup_code');
const callPeople = declare('people');
const callHold = declare('hold', [ 'person', 'seconds', 'ended' ]);
const callRelease = declare('release', [ 'person', 'seconds' ]);

const POLL_S = 10;
const DAY_S = 86400;

// The agent says its own sentences in LuCI's language where it has them.
const lang = (document.documentElement.lang || 'en').toLowerCase().replace('_', '-');

// An element whose strings are text. E() and its kin take a string for HTML; only what stands in an array is not.
function el(tag, attributes, ...children) {
	return E(tag, attributes, children.flat().filter((child) => child !== null && child !== ''));
}

// Privacy Agent itself: on the host that shows this page, where and how the agent serves it; null if nowhere.
function pagesAddress(status) {
	const web = status.web || {};
	return web.port ? '%s://%s:%d/'.format(web.tls ? 'https' : 'http', window.location.hostname, web.port) : null;
}

function linkToPages(status, page, text) {
	const address = pagesAddress(status);
	return address && el('a', { 'class': 'btn', 'href': address + page, 'target': '_blank', 'rel': 'noreferrer' }, text);
}

// LuCI's own QR codes. What they are made of is an address, and what they are is markup.
function qrCode(address) {
	return L.require('uqr').then((uqr) => E('div', { 'style': 'text-align: center' },
		uqr.renderSVG(address, { pixelSize: 5, border: 4 }))).catch(() => '');
}

// An answer with an error becomes a rejection with its sentence, so that every caller treats it alike.
function checked(answer) {
	if (!answer || !answer.error)
		return answer;
	const message = answer.error.code === 'not_running'
		? _('Privacy Agent is not running. Start it under System > Startup, or read why under Status > System Log')
		: answer.error.message;
	return Promise.reject(new Error(answer.error.reason
		? _('%s. The reason: %s').format(message, answer.error.reason) : message));
}

function fact(title, text) {
	return el('tr', { 'class': 'tr' }, [
		el('td', { 'class': 'td left', 'width': '33%' }, title), el('td', { 'class': 'td left' }, text)
	]);
}

function blockLists(lists) {
	switch (lists.state) {
	case 'ready': return _('%d entries').format(lists.rules);
	case 'stale': return _('%d entries, out of date').format(lists.rules);
	default: return _('not downloaded yet');
	}
}

function day(seconds) {
	return seconds ? new Date(seconds * 1000).toLocaleString() : '';
}

// Why the internet is off, as the agent names it; whatever is not known here is off all the same.
function internetWords(person) {
	const until = person.until ? day(person.until) : '';
	switch (person.state) {
	case 'on': return until ? _('Internet is on until %s').format(until) : _('Internet is on');
	case 'bedtime': return until ? _('Bedtime until %s').format(until) : _('Bedtime');
	case 'break': return until ? _('Break until %s').format(until) : _('Break');
	case 'homework': return until ? _('Homework until %s').format(until) : _('Homework');
	case 'allowance': return until ? _('Time used up until %s').format(until) : _('Time used up');
	default: return until ? _('Internet is off until %s').format(until) : _('Internet is off');
	}
}

function failed(error) {
	ui.addNotification(null, el('p', {}, error.message), 'warning');
}

return view.extend({
	load: function() {
		return callFeatures(lang).then(checked).then((answer) => {
			this.features = answer.items;
			return this.fetch();
		}).catch((error) => ({ error: error.message }));
	},

	fetch: function() {
		return Promise.all([ callStatus(lang).then(checked), callDevices().then(checked), callPeople().then(checked) ])
			.then(([ status, devices, people ]) => ({ status: status, devices: devices.items, people: people.items }));
	},

	// Before anything is turned on: what it reads, stores and sends, in the agent's own words.
	ask: function(device, feature) {
		ui.showModal([ _('Turn on %s for %s?').format(feature.title, device.label) ], [
			el('dl', {}, [
				el('dt', {}, _('What it reads')), el('dd', {}, feature.reads),
				el('dt', {}, _('What it stores')), el('dd', {}, feature.keeps),
				el('dt', {}, _('What it sends')), el('dd', {}, feature.sends)
			]),
			el('div', { 'class': 'right' }, [
				el('button', { 'class': 'btn', 'click': ui.hideModal }, _('Cancel')), ' ',
				el('button', {
					'class': 'btn cbi-button-action',
					'click': ui.createHandlerFn(this, 'switchOn', device, feature)
				}, _('Turn on'))
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
				? _('Turned off. %d records stay stored until %s. To delete them, open Privacy Agent.')
					.format(answer.remaining, day(answer.until))
				: _('Turned off. Nothing is stored.');
			ui.addNotification(null, el('p', {}, sentence), 'info');
			return this.refresh();
		}).catch(failed);
	},

	newSetupCode: function(status) {
		return callSetupCode().then(checked).then((answer) => {
			// Behind the "#" the code stays in the browser.
			const page = '#setup=' + answer.code;
			const address = pagesAddress(status);
			return Promise.resolve(address ? qrCode(address + page) : '').then((code) => ui.showModal([ _('Setup code') ], [
				el('p', {}, _('Open Privacy Agent with this code to set its password. The code works once, until %s.')
					.format(day(answer.expires_at))),
				el('p', {}, el('strong', { 'style': 'font-size: 160%' }, answer.code)),
				code ? el('p', {}, _('Or point a phone’s camera at this. The phone must be in your network.')) : '',
				code,
				address ? el('p', {}, el('a', { 'href': address + page, 'target': '_blank', 'rel': 'noreferrer' }, address + page)) : '',
				answer.fingerprint ? el('p', {}, [
					_('The router made its own certificate, so your browser shows a warning. Compare the fingerprint that it shows with this one:'),
					el('br', {}), el('small', { 'style': 'word-break: break-all' }, answer.fingerprint)
				]) : '',
				el('div', { 'class': 'right' }, [
					el('button', { 'class': 'btn', 'click': ui.hideModal }, _('Close')), ' ',
					linkToPages(status, page, _('Open with this code'))
				])
			]));
		}).catch(failed);
	},

	switchOf: function(device, feature) {
		const state = device.features[feature.name];
		const button = state.on
			? el('button', {
				'class': 'btn cbi-button-negative',
				'click': ui.createHandlerFn(this, 'switchOff', device, feature)
			}, _('Turn off'))
			: el('button', {
				'class': 'btn cbi-button-positive',
				'click': ui.createHandlerFn(this, 'ask', device, feature)
			}, _('Turn on'));
		const words = state.on ? _('on since %s').format(day(state.since))
			: (state.suspended ? _('paused') : _('off'));
		// The title names the switch where the table has no head: on a phone.
		return el('td', { 'class': 'td', 'data-title': feature.title }, [ button, ' ', words ]);
	},

	askHowLong: function(person) {
		const choice = (text, seconds, ended) => el('button', {
			'class': 'btn cbi-button-action',
			'click': ui.createHandlerFn(this, 'internetOff', person, seconds, ended)
		}, text);
		ui.showModal([ _('Turn internet off for %s').format(person.name) ], [
			el('p', {}, [
				choice(_('15 min'), 900), ' ', choice(_('30 min'), 1800), ' ', choice(_('1 hour'), 3600), ' ',
				choice(_('Until I end it'), undefined, true)
			]),
			el('div', { 'class': 'right' }, [ el('button', { 'class': 'btn', 'click': ui.hideModal }, _('Cancel')) ])
		]);
	},

	internetOff: function(person, seconds, ended) {
		return callHold(person.id, seconds, ended).then(checked)
			.then(() => this.refresh()).catch(failed).finally(ui.hideModal);
	},

	// What somebody turned off is ended. A bedtime or the like stays a rule: the person is free until it is over.
	internetOn: function(person) {
		const left = person.until ? Math.ceil(person.until - Date.now() / 1000) : DAY_S;
		const seconds = person.state === 'off' ? undefined : Math.min(DAY_S, Math.max(60, left));
		return callRelease(person.id, seconds).then(checked).then(() => this.refresh()).catch(failed);
	},

	internet: function(people) {
		if (!people.length)
			return '';
		return el('div', {}, [ el('h3', {}, _('Internet')), el('table', { 'class': 'table' }, people.map((person) => {
			const isOn = person.state === 'on';
			return el('tr', { 'class': 'tr' }, [
				el('td', { 'class': 'td left', 'width': '33%' }, person.name),
				el('td', { 'class': 'td left' }, [
					el('button', {
						'class': isOn ? 'btn cbi-button-negative' : 'btn cbi-button-positive',
						'click': ui.createHandlerFn(this, isOn ? 'askHowLong' : 'internetOn', person)
					}, isOn ? _('Turn internet off') : _('Turn internet on')), ' ', internetWords(person)
				])
			]);
		})) ]);
	},

	rows: function(devices) {
		const head = el('tr', { 'class': 'tr table-titles' }, [ el('th', { 'class': 'th' }, _('Device')) ].concat(
			this.features.map((feature) => el('th', { 'class': 'th' }, feature.title))));
		const rows = devices.map((device) => el('tr', { 'class': 'tr' }, [
			el('td', { 'class': 'td', 'data-title': _('Device') }, [ device.label, el('br', {}), el('small', {}, device.mac || device.address || '') ])
		].concat(this.features.map((feature) => this.switchOf(device, feature)))));
		if (!rows.length)
			rows.push(el('tr', { 'class': 'tr placeholder' }, el('td', { 'class': 'td' }, [
				_('No devices yet. Nothing is recorded and nothing is blocked.')
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
		const waiting = data.status.requests_waiting;
		return el('div', { 'id': 'privacy-agent' }, [
			el('table', { 'class': 'table' }, [
				fact(_('Status'), data.status.health),
				fact(_('Block lists'), blockLists(data.status.lists || {})),
				waiting ? fact(_('Requests'), _('%d wait for an answer').format(waiting)) : '',
				fact(_('Version'), data.status.version)
			]),
			this.rows(data.devices),
			this.internet(data.people),
			el('p', {}, [
				linkToPages(data.status, '', _('Open Privacy Agent')), ' ',
				linkToPages(data.status, 'devices', _('Add a device')), ' ',
				el('button', { 'class': 'btn', 'click': ui.createHandlerFn(this, 'newSetupCode', data.status) }, _('New setup code'))
			])
		]);
	},

	render: function(data) {
		const page = el('div', { 'class': 'cbi-map' }, [
			el('h2', {}, _('Privacy Agent')),
			el('div', { 'class': 'cbi-map-descr' }, _('Parental controls and real-time protection that stay on this ' +
				'router. The browsing history is shown in Privacy Agent only, with a separate password.')),
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
