'use strict';

// What the view uses of LuCI's client side: E(), _(), format(), L, view, rpc, ui, poll. Written after LuCI's documentation
// of its JavaScript API and held to what its real pages do: a string is HTML there. Nothing of LuCI is in here, and
// nothing that the view does not use.

const window_ = window;

window_._ = (text) => text;

// %s, %d and %h only: another directive would show as it is. %h is for HTML, %s is not escaped.
String.prototype.format = function(...values) {
	return this.replace(/%([sdh])/g, (_whole, kind) => {
		const value = values.shift();
		if (kind === 'h')
			return String(value).replace(/[&<>"']/g, (sign) => '&#%d;'.format(sign.charCodeAt(0)));
		return kind === 'd' ? String(Math.trunc(Number(value))) : String(value);
	});
};

// As luci.js has it: in an array everything that is no node becomes text, also null; a string by itself is HTML, and
// takes the place of what was there.
function append(node, children) {
	if (Array.isArray(children)) {
		for (const child of children)
			node.append(child instanceof Node ? child : document.createTextNode(`${child}`));
	} else if (children instanceof Node) {
		node.append(children);
	} else if (children !== null && children !== undefined) {
		node.innerHTML = `${children}`;
	}
	return node;
}

window_.E = (tag, attributes, children) => {
	const node = document.createElement(tag);
	if (!(attributes instanceof Object) || Array.isArray(attributes) || attributes instanceof Node)
		return append(node, attributes);
	for (const [ name, value ] of Object.entries(attributes)) {
		if (typeof value === 'function')
			node.addEventListener(name, value);
		else if (value !== null && value !== undefined)
			node.setAttribute(name, value);
	}
	return append(node, children);
};

// A call of ubus with the session's rights: [status] or [status, reply], as uhttpd-mod-ubus gives it.
async function ubus(object, method, params) {
	const reply = await fetch('/ubus', { method: 'POST', body: JSON.stringify({ object, method, params }) });
	return reply.json();
}

const rpc = {
	declare: (options) => async (...values) => {
		const names = options.params || [];
		const params = Object.fromEntries(names.map((name, index) => [ name, values[index] ]));
		const result = await ubus(options.object, options.method, params);
		if (options.reject && result[0] !== 0)
			throw new Error('RPC call to %s/%s failed with ubus code %d'.format(options.object, options.method, result[0]));
		return result.length > 1 ? result[1] : result[0];
	}
};

const ui = {
	showModal: (title, children) => {
		ui.hideModal();
		document.body.append(append(E('div', { 'class': 'modal', 'role': 'dialog' }, E('h4', {}, title)), children));
	},
	hideModal: () => document.querySelector('.modal')?.remove(),
	addNotification: (title, children, ...classes) => {
		const box = E('div', { 'class': [ 'alert-message', ...classes ].join(' ') });
		if (title !== null && title !== undefined)
			append(box, E('h4', {}, title));
		document.getElementById('notifications').append(append(box, children));
	},
	createHandlerFn: (self, handler, ...values) => (event) => {
		const button = event.currentTarget;
		const call = typeof handler === 'string' ? self[handler] : handler;
		button.disabled = true;
		return Promise.resolve(call.call(self, ...values, event)).finally(() => { button.disabled = false; });
	}
};

const polled = [];
const poll = { add: (call, seconds) => polled.push({ call, seconds }) };
window_.pollNow = () => Promise.all(polled.map((entry) => entry.call()));
window_.polled = polled;

// What a view needs only at times. LuCI's QR codes are here drawn by the page's own program.
window_.L = {
	require: async (name) => {
		if (name !== 'uqr' || !window_.hasQr)
			throw new Error('the harness has no ' + name);
		const { qr } = await import('/lib/qr.js');
		return { renderSVG: (data) => E('p', {}, [ E('span', { 'data-text': data }, [ qr(data) ]) ]).innerHTML };
	}
};
window_.hasQr = true;

const view = { extend: (members) => class { constructor() { Object.assign(this, members); } } };

// The first statements name what the file needs, as LuCI's loader reads them; the rest is a function's body.
async function load(path) {
	const source = await (await fetch(path)).text();
	const known = { view, rpc, ui, poll };
	const needed = [ ...source.matchAll(/^'require (\w+)';$/gm) ].map((match) => match[1]);
	for (const name of needed)
		if (!(name in known))
			throw new Error('the harness has no ' + name);
	return new Function(...needed, source)(...needed.map((name) => known[name]));
}

(async () => {
	const View = await load('/view.js');
	const shown = new View();
	document.getElementById('view').append(shown.render(await shown.load()));
	document.body.dataset.ready = 'yes';
})();
