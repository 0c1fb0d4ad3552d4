// SPDX-License-Identifier: BSD-2-Clause
// JsSIP over WebSocket, driven by lines: commands on standard input ("call URI", "message URI", "hold", "resume", "end"),
// events on standard output; it ends where its input does. There is no WebRTC in Node.js: a peer connection that agrees
// to everything takes its place, and no media flows. PROTOCOL is that of the media line that it offers, if it is not
// that of WebRTC; it answers with that of the offer. With PASSWORD, its messages are written to standard error.
// node peer.js WS_URL USER DOMAIN INSTANCE [PROTOCOL [PASSWORD]]
'use strict';

const [url, user, domain, instance, protocol = 'UDP/TLS/RTP/SAVPF', password] = process.argv.slice(2);
const describe = (used) => ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', `m=audio 40002 ${used} 0`,
    'c=IN IP4 127.0.0.1', 'a=rtpmap:0 PCMU/8000', 'a=sendrecv', ''].join('\r\n');

class PeerConnection {
    constructor() {
        Object.assign(this, { signalingState: 'stable', iceGatheringState: 'complete', iceConnectionState: 'new',
            localDescription: null, remoteProtocol: protocol });
    }
    addEventListener() {}
    removeEventListener() {}
    getSenders() {
        return [];
    }
    close() {
        this.signalingState = 'closed';
    }
    async createOffer() {
        return { type: 'offer', sdp: describe(protocol) };
    }
    async createAnswer() {
        return { type: 'answer', sdp: describe(this.remoteProtocol) };
    }
    async setLocalDescription(description) {
        this.localDescription = description;
    }
    async setRemoteDescription({ sdp }) {
        this.remoteProtocol = /^m=audio \d+ (\S+)/m.exec(sdp)[1];
    }
}

globalThis.window = globalThis;
globalThis.RTCPeerConnection = PeerConnection;
globalThis.RTCSessionDescription = class {
    constructor(description) {
        Object.assign(this, description);
    }
};
globalThis.WebSocket = require('ws').WebSocket;

const JsSIP = require('jssip');
const tell = (...words) => process.stdout.write(words.join(' ') + '\n');
const media = { mediaConstraints: { audio: false, video: false } };

if (password) {
    JsSIP.debug.enable('JsSIP:Transport');
}
const agent = new JsSIP.UA({
    sockets: [new JsSIP.WebSocketInterface(url)],
    uri: `sip:${user}@${domain}`,
    instance_id: instance,
    password,
    register_expires: 600,
    session_timers: false,
    connection_recovery_min_interval: 1,
    connection_recovery_max_interval: 2,
});

let current;
agent.on('newRTCSession', ({ session, originator }) => {
    current = session;
    tell(originator === 'remote' ? 'called' : 'calling');
    session.on('confirmed', () => tell('confirmed'));
    session.on('ended', () => tell('ended'));
    session.on('failed', ({ cause }) => tell('failed', cause));
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
    register: () => agent.register(),
};
require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const [name, ...rest] = line.split(' ');
    commands[name](...rest);
}).on('close', () => process.exit(0));

agent.start();
