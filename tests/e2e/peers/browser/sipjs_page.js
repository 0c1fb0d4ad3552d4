// SPDX-License-Identifier: BSD-2-Clause
// SIP.js as the user agent of peer.js.
import { SimpleUser } from '/sip.js/platform/web/index.js';

const place = new URLSearchParams(location.search);
const control = new WebSocket(`ws://${location.host}/`);
const tell = (...words) => control.send(words.join(' '));

// SIP.js gives the messages that it sends and receives to its log alone.
const password = place.get('password');
const log = {
    logLevel: 'debug',
    logBuiltinEnabled: false,
    logConnector: (level, category, label, content) => /^(Sending|Received) WebSocket/.test(content) && tell(content),
};

const agent = new SimpleUser(place.get('url'), {
    aor: `sip:${place.get('user')}@${place.get('domain')}`,
    media: { constraints: { audio: true, video: false } },
    reconnectionAttempts: 60,
    reconnectionDelay: 1,
    delegate: {
        onCallReceived: () => agent.answer(),
        onCallAnswered: () => tell('confirmed'),
        onCallHangup: () => tell('ended'),
        onCallHold: (held) => tell(held ? 'hold' : 'unhold'),
        onMessageReceived: (text) => tell('message', text),
        onRegistered: () => tell('registered'),
        onUnregistered: () => tell('unregistered'),
        onServerConnect: () => tell('connected'),
        onServerDisconnect: () => tell('disconnected'),
    },
    userAgentOptions: {
        sessionDescriptionHandlerFactoryOptions: { peerConnectionConfiguration: { iceServers: [] } },
        ...(password && { authorizationUsername: place.get('user'), authorizationPassword: password, ...log }),
    },
});

const failed = (error) => tell('failed', String(error));
const commands = {
    call: (uri) => agent.call(uri).catch(failed),
    message: (uri) => agent.message(uri, 'hello').then(() => tell('delivered'), failed),
    hold: () => agent.hold().catch(failed),
    resume: () => agent.unhold().catch(failed),
    end: () => agent.hangup().catch(failed),
};
control.onmessage = ({ data }) => {
    const [name, ...rest] = data.split(' ');
    commands[name](...rest);
};
// SIP.js reports a refused registration only to the sender of the request.
const register = () => agent.register({ requestDelegate: { onReject: () => tell('registrationFailed') } });
commands.register = () => register().catch(failed);
control.onopen = () => agent.connect().then(register).catch(failed);
