// SPDX-License-Identifier: BSD-2-Clause
// JsSIP or SIP.js in headless Chromium. The page is served by this program; commands from standard input go to it over a
// WebSocket, and its events come back and go to standard output. It ends where its input does.
// With PASSWORD, SIP.js answers challenges, and its messages go to standard output as well.
// node peer.js LIBRARY WS_URL USER DOMAIN [PASSWORD]
'use strict';

const { spawn } = require('child_process');
const fs = require('fs');
const http = require('http');
const os = require('os');
const path = require('path');
const { WebSocketServer } = require('ws');

const [library, url, user, domain, password = ''] = process.argv.slice(2);
const modules = process.env.NODE_PATH.split(':').pop();
const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'chromium-'));

// What packages take in a browser in place of what Node.js resolves.
const substitutes = { debug: 'debug/src/browser.js', events: 'events/events.js' };

// A CommonJS package and all that it requires, as one script that sets a global variable.
function bundle(name, variable) {
    const parts = new Map();
    const add = (file) => {
        if (parts.has(file)) {
            return;
        }
        parts.set(file, '');
        const text = file.endsWith('.json') ? 'module.exports = ' + fs.readFileSync(file) : String(fs.readFileSync(file));
        const base = require('module').createRequire(file);
        parts.set(file, text.replace(/\brequire\((['"])(.*?)\1\)/g, (all, quote, wanted) => {
            const found = substitutes[wanted] ? path.resolve(modules, substitutes[wanted]) : base.resolve(wanted);
            add(found);
            return `require(${JSON.stringify(found)})`;
        }));
    };
    const main = require('module').createRequire(path.resolve(modules, 'x.js')).resolve(name);
    add(main);
    const list = [...parts].map(([file, text]) => `${JSON.stringify(file)}: (module, exports, require) => {${text}\n}`);
    return `globalThis.process = { env: {} };
const parts = {${list.join(',\n')}}, loaded = {};
const load = (file) => {
    if (!loaded[file]) {
        loaded[file] = { exports: {} };
        parts[file](loaded[file], loaded[file].exports, load);
    }
    return loaded[file].exports;
};
globalThis.${variable} = load(${JSON.stringify(main)});`;
}

function content(request) {
    const { pathname } = new URL(request.url, 'http://127.0.0.1');
    if (pathname === '/') {
        return ['text/html', `<!doctype html><title>peer</title><script src="/jssip.js"></script>
<script type="module" src="/${library}_page.js"></script>`];
    } else if (pathname === '/jssip.js') {
        return ['text/javascript', library === 'jssip' ? bundle('jssip', 'JsSIP') : ''];
    } else if (pathname.startsWith('/sip.js/')) {
        return ['text/javascript', fs.readFileSync(path.join(modules, 'sip.js/lib', path.normalize(pathname.slice(8))))];
    } else if (pathname.endsWith('_page.js')) {
        return ['text/javascript', fs.readFileSync(path.join(__dirname, path.basename(pathname)))];
    }
    return [];
}

const server = http.createServer((request, response) => {
    const [type, text] = content(request);
    response.writeHead(type ? 200 : 404, { 'Content-Type': type || 'text/plain' }).end(text);
});

let page;
const waiting = [];
new WebSocketServer({ server }).on('connection', (socket) => {
    page = socket;
    socket.on('message', (line) => process.stdout.write(line + '\n'));
    waiting.splice(0).forEach((line) => socket.send(line));
});

server.listen(0, '127.0.0.1', () => {
    const place = new URLSearchParams({ url, user, domain, password });
    const browser = spawn('chromium', ['--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run',
        '--disable-background-networking', '--disable-breakpad', '--disable-crash-reporter', '--disable-component-update', '--disable-sync', '--mute-audio',
        '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream', '--ignore-certificate-errors',
        '--disable-features=WebRtcHideLocalIpsWithMdns', `--user-data-dir=${profile}`,
        `http://127.0.0.1:${server.address().port}/?${place}`],
    { stdio: 'ignore', detached: true, env: { ...process.env, TMPDIR: profile } });
    const end = () => {
        try {
            process.kill(-browser.pid, 'SIGKILL');
        } catch {
            // It has ended already.
        }
    };
    browser.on('error', ({ message }) => {
        process.stdout.write(`chromium: ${message}\n`);
        process.exit(1);
    });
    browser.on('exit', () => {
        fs.rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
        process.exit(0);
    });
    process.on('SIGTERM', end);
    process.on('uncaughtException', (error) => {
        process.stdout.write(`${error.stack}\n`);
        end();
    });
    require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
        if (page) {
            page.send(line);
        } else {
            waiting.push(line);
        }
    }).on('close', end);
});
