// SPDX-License-Identifier: BSD-2-Clause
// JsSIP as the user agent of peer.js.
/* global JsSIP */
const place = new URLSearchParams(location.search);
const control = new WebSocket(`ws://${location.host}/`);
const tell = (...words) => control.send(words.join(' '));
const media = { mediaConstraints: { audio: true, video: false }, pcConfig: { iceServers: [] } };

const agent = new JsSIP.UA({
    sockets: [new JsSIP.WebSocketInterface(place.get('url'))],
    uri: `sip:${place.get('user')}@${place.get('domain')}`,
    register_expires: 600,
    session_timers: false,
    connection_recovery_min_interval: 1,
    connection_recovery_max_interval: 2,
});

let current;
agent.on('newRTCSession', ({ session, originator }) => {
    current = session;
    session.on('confirmed', () => tell('confirmed'));
    session.on('ended', () => tell('ended'));
    session.on('failed', ({ cause }) => tell('failed', cause));
    session.on('hold', () => tell('hold'));
    session.on('unhold', () => tell('unhold'));
    if (originator === 'remote') {
        session.answer(media);
    }
});
agent.on('newMessage', ({ originator, request }) => originator === 'remote' && tell('message', request.body));
for (const name of ['connected', 'disconnected', 'registered', 'unregistered', 'registrationFailed']) {
    agent.on(name, () => tell(name));
}

const commands = {
    call: (uri) => agent.call(uri, media),
    message: (uri) => agent.sendMessage(uri, 'hello', { eventHandlers: { succeeded: () => tell('delivered') } }),
    hold: () => current.hold(),
    resume: () => current.unhold(),
    end: () => current.terminate(),
};
control.onmessage = ({ data }) => {
    const [name, ...rest] = data.split(' ');
    commands[name](...rest);
};
control.onopen = () => agent.start();
