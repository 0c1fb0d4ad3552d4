// SPDX-License-Identifier: BSD-2-Clause
// SIP.js as the user agent of peer.js.
import { SimpleUser } from '/sip.js/platform/web/index.js';

const place = new URLSearchParams(location.search);
const control = new WebSocket(`ws://${location.host}/`);
const tell = (...words) => control.send(words.join(' '));

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
    userAgentOptions: { sessionDescriptionHandlerFactoryOptions: { peerConnectionConfiguration: { iceServers: [] } } },
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
control.onopen = () => agent.connect().then(() => agent.register()).catch(failed);
