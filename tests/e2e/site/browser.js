// SPDX-License-Identifier: BSD-2-Clause
// A site of `reflow site` in Chromium: node browser.js SITE. Each check is a line on standard output, "ok NAME" or
// "not ok NAME: reasons". A page counts as broken if it says anything on the console, requests anything but itself,
// scrolls sideways, or has a violation that axe-core finds.
'use strict';

const fs = require('fs');
const http = require('http');
const path = require('path');
const { pathToFileURL } = require('url');
const { chromium } = require('playwright-core');
const { HtmlValidate } = require('html-validate');

const site = path.resolve(process.argv[2]);
const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

// Pages of every kind, with and without a picture, in both languages.
const SAMPLE = ['index.html', 'en/index.html', 'es/index.html', 'en/430/index.html', 'es/503/index.html',
    'en/200-vs-430/index.html', 'es/200-vs-430/index.html', 'es/404-vs-603/index.html', 'en/100-vs-423/index.html',
    'en/rules/index.html', 'es/rules/5626-7.c/index.html', 'en/rules/3261-17.1.3.a/index.html', 'en/decide/index.html',
    'es/decide/index.html'];
const WIDTHS = [360, 1280];
const SCHEMES = ['light', 'dark'];

const server = http.createServer((request, response) => {
    const file = path.join(site, path.normalize(decodeURIComponent(new URL(request.url, 'http://x').pathname)));
    fs.readFile(file, (error, bytes) => {
        const type = file.endsWith('.html') ? 'text/html' : 'text/plain';
        response.writeHead(error ? 404 : 200, { 'Content-Type': type }).end(error ? 'not found' : bytes);
    });
});

const checks = [];
const check = (name, run) => checks.push({ name, run });
const assert = (condition, reason) => {
    if (!condition) {
        throw new Error(reason);
    }
};

let browser;
let origins;

// A page that notes what it says and what it requests beside the documents that it shows.
async function open(options = {}) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    const page = await context.newPage();
    page.faults = [];
    page.documents = 0;
    page.on('console', (message) => page.faults.push(`console: ${message.text()}`));
    page.on('pageerror', (error) => page.faults.push(`error: ${error.message}`));
    page.on('request', (request) => {
        if (request.isNavigationRequest() && request.frame() === page.mainFrame()) {
            page.documents++;
        } else if (!request.url().startsWith('data:')) {
            page.faults.push(`request: ${request.url()}`);
        }
    });
    page.on('requestfailed', (request) => page.faults.push(`failed: ${request.url()}`));
    page.on('response', (response) => {
        if (response.status() >= 400) {
            page.faults.push(`${response.status()}: ${response.url()}`);
        }
    });
    return page;
}

async function end(page) {
    const { faults } = page;
    await page.context().close();
    assert(faults.length === 0, faults.join('; '));
}

const where = (page) => new URL(page.url()).pathname.replace(new URL(page.origin).pathname, '');

// A page at a path of one of the two origins.
async function visit(origin, file, options) {
    const page = await open(options);
    page.origin = origin;
    await page.goto(origin + file);
    return page;
}

const sideways = () => {
    const { scrollWidth, clientWidth } = document.documentElement;
    return scrollWidth > clientWidth ? `${scrollWidth} > ${clientWidth}` : '';
};

async function look(page, name, faults) {
    const wide = await page.evaluate(sideways);
    if (wide) {
        faults.push(`${name} scrolls sideways: ${wide}`);
    }
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => window.axe.run());
    for (const each of violations) {
        faults.push(`${name}: ${each.id}: ${each.nodes.slice(0, 3).map(({ html }) => html).join(' ')}`);
    }
}

check('a broken page is noticed', async () => {
    const file = path.join(site, 'broken.html');
    fs.writeFileSync(file, `<!DOCTYPE html><html><title>x</title><img src="missing.png"><p style="width:2000px;color:#ccc">x</p>
<script>console.log('something')</script>`);
    const faults = [];
    const page = await visit(origins.http, 'broken.html');
    await look(page, 'broken.html', faults);
    const said = [...faults, ...page.faults].join('\n');
    for (const each of ['sideways', 'image-alt', 'html-has-lang', 'console: something', 'request: ', '404: ']) {
        assert(said.includes(each), `${each} is not noticed: ${said}`);
    }
    fs.rmSync(file);
    await page.context().close();
});

for (const scheme of SCHEMES) {
    for (const width of WIDTHS) {
        check(`pages of every kind, ${scheme}, ${width} pixels wide`, async () => {
            const faults = [];
            const page = await open({ colorScheme: scheme, viewport: { width, height: 800 } });
            for (const file of SAMPLE) {
                await page.goto(origins.file + file);
                await look(page, file, faults);
            }
            assert(faults.length === 0, faults.join('; '));
            await end(page);
        });
    }
}

check('on a small screen, a comparison takes the whole width, and the text of pictures can be read', async () => {
    for (const width of [320, 360, 700]) {
        const page = await open({ viewport: { width, height: 800 } });
        for (const file of ['en/200-vs-430/index.html', 'es/401-vs-407/index.html', 'es/603/index.html']) {
            await page.goto(origins.file + file);
            const { cells, sizes } = await page.evaluate(() => ({
                cells: [...document.querySelectorAll('tbody td')].map((each) => each.getBoundingClientRect().width /
                    document.querySelector('main').getBoundingClientRect().width),
                sizes: [...document.querySelectorAll('figure svg text')].map((each) =>
                    parseFloat(getComputedStyle(each).fontSize) * each.getScreenCTM().a),
            }));
            assert(Math.min(...cells, 1) > 0.99, `${file}, ${width}: cells of ${Math.min(...cells)} of the width`);
            const least = width < 360 ? 9.5 : 11;
            assert(sizes.length > 0 && Math.min(...sizes) >= least, `${file}, ${width}: text of ${Math.min(...sizes)} pixels`);
        }
        await end(page);
    }
});

for (const kind of ['file', 'http']) {
    check(`from ${kind}, one request reads a page and the links between pages work`, async () => {
        const page = await visit(origins[kind], 'index.html');
        await page.click('text=Español');
        assert(where(page) === 'es/index.html', where(page));
        await page.click('a:has-text("Flow Failed")');
        assert(where(page) === 'es/430/index.html', where(page));
        await page.click('a[hreflang=en]');
        assert(where(page) === 'en/430/index.html', 'the language changes, the page stays: ' + where(page));
        await page.click('text=Ask the core about 430');
        await page.waitForURL('**/en/decide/index.html#code=430');
        await page.goBack();
        await page.click('.acts a:has-text("5626-7.b")');
        assert(where(page) === 'en/rules/5626-7.b/index.html', where(page));
        assert((await page.textContent('h1')) === '5626-7.b', 'the heading of the rule');
        await page.click('a[hreflang=es]');
        assert(where(page) === 'es/rules/5626-7.b/index.html', where(page));
        await page.click('.grid a:has-text("430")');
        assert(where(page) === 'es/430/index.html', where(page));
        await page.click('.grid a:has-text("Busy Everywhere")');
        assert(where(page) === 'es/430-vs-600/index.html', where(page));
        await page.click('a[hreflang=en]');
        assert(where(page) === 'en/430-vs-600/index.html', where(page));
        const headings = await page.$$eval('h2', (list) => list.map((each) => each.textContent));
        for (const each of ['Description', 'When you see it', 'How to fix it', 'Key differences', 'When to use each']) {
            assert(headings.includes(each), `no heading "${each}"`);
        }
        await page.click('.brand');
        assert(where(page) === 'en/index.html', where(page));
        assert(page.documents === 12, `${page.documents} documents`);
        await end(page);
    });

    check(`from ${kind}, the search finds numbers, names and words of both languages`, async () => {
        for (const language of ['en', 'es']) {
            const page = await visit(origins[kind], `${language}/index.html`);
            const found = async (query) => {
                await page.fill('#q', query);
                return page.$$eval('[data-n]:not([hidden])', (list) => list.filter((each) => each.offsetParent)
                    .map((each) => each.dataset.n).join(' '));
            };
            assert((await found('430')) === '430', '430');
            assert((await found('flow failed')) === '430', 'flow failed');
            for (const [query, codes] of [['busy', '486 600'], ['ocupado', '486 600'], ['BUSY here', '486'],
                ['flow', '430 439'], ['flujo', '430 439'], ['códec', '488 606'], ['codec', '488 606'], ['60', '600 603 604 606 607 608'],
                ['6xx', '600 603 604 606 607 608']]) {
                const have = (await found(query)).split(' ');
                assert(codes.split(' ').every((each) => have.includes(each)), `${query}: ${have}`);
                assert(have.length < 30, `${query} finds ${have.length}`);
            }
            assert((await found('xyzzy')) === '', 'xyzzy');
            assert((await page.textContent('#found')).length > 5, 'nothing found is said');
            assert((await found('603 404')) === '404 603', 'two numbers');
            await page.press('#q', 'Enter');
            await page.waitForURL('**/404-vs-603/index.html');
            await page.goBack();
            await page.fill('#q', 'busy here');
            await page.press('#q', 'Enter');
            await page.waitForURL('**/486/index.html');
            await page.goto(origins[kind] + `${language}/rules/index.html`);
            await page.fill('#q', '5626-7.c');
            assert((await page.$$eval('[data-w]:not([hidden])', (list) => list.length)) === 1, 'one rule');
            await end(page);
        }
    });

    check(`from ${kind}, the core answers, and the question is in the address`, async () => {
        const page = await visit(origins[kind], 'en/decide/index.html');
        const decision = () => page.textContent('#decision');
        await page.waitForSelector('#decision .action');
        assert((await decision()).includes('5626-11.5.a'), 'a single 430: ' + await decision());
        await page.click('summary:has-text("This branch")');
        await page.fill('[name=flows-left]', '1');
        await page.check('[name=has-instance]');
        assert((await decision()).includes('5626-7.b'), 'another flow is left: ' + await decision());
        assert((await page.textContent('#decision pre')) === 'reflow decide --flows-left 1 --has-instance 430', 'command');
        assert((await page.locator('#ask-scene svg').count()) === 1, 'a picture of such a call');
        assert(page.url().endsWith('#code=430&flows-left=1&has-instance=1'), page.url());
        await page.click('a[hreflang=es]');
        assert(where(page) === 'es/decide/index.html', where(page));
        await page.waitForSelector('#decision .action');
        assert((await decision()).includes('Probar otro flujo'), 'the question goes along: ' + await decision());
        assert(await page.isChecked('[name=has-instance]'), 'the form shows the question');
        for (const value of ['', '99', '700', '-1', '4e2', '12345678901234567890']) {
            await page.fill('[name=code]', value);
            assert((await decision()) === '' && await page.locator('#ask-error').isVisible(), `code "${value}"`);
        }
        await page.fill('[name=code]', '486');
        assert(!(await page.locator('#ask-error').isVisible()), 'a good code again');
        await page.selectOption('[name=origin]', 'flow_down');
        assert((await page.textContent('#decision pre')).includes('--origin flow_down'), 'no code without a response');
        await page.click('button[type=reset]');
        await page.waitForURL('**/es/decide/index.html#code=430');
        await page.click('#decision a');
        assert(where(page) === 'es/rules/5626-11.5.a/index.html', where(page));
        await end(page);
        for (const bad of ['#', '#code=<b>&role=king&flows-left=-7&toString=1&__proto__=2', '#%E0%A4%A', '#code=486&code=200']) {
            const odd = await visit(origins[kind], `en/decide/index.html${bad}`);
            await odd.waitForSelector('#ask-page:not([hidden])');
            assert((await odd.locator('#decision b').count()) === 0, 'no HTML from the address');
            await odd.fill('[name=code]', '200');
            await odd.evaluate(() => document.querySelectorAll('details').forEach((each) => { each.open = true; }));
            await odd.fill('[name=flows-left]', '0');
            assert((await odd.textContent('#decision')).includes('3261-16.7.c'), `${bad}: it still answers`);
            await end(odd);
        }
    });

    check(`from ${kind}, without JavaScript everything but the search is there, and that is said`, async () => {
        const page = await visit(origins[kind], 'en/index.html', { javaScriptEnabled: false });
        assert((await page.locator('[data-n]').count()) === 75, 'all codes');
        assert(!(await page.locator('#q').isVisible()), 'no search box');
        assert(await page.locator('noscript p').isVisible(), 'it is said');
        await page.click('a:has-text("Busy Here")');
        assert(where(page) === 'en/486/index.html', where(page));
        await page.click('.rel a:has-text("600")');
        assert(where(page) === 'en/486-vs-600/index.html', where(page));
        assert(await page.locator('text=Key differences').isVisible(), 'the comparison');
        await end(page);
    });
}

// Random pages beside the sample; the seed is in the report.
function choose() {
    const seed = Date.now() % 100000;
    let state = seed;
    const random = (limit) => {
        state = (state * 1103515245 + 12345) % 2147483648;
        return Math.floor(state / 65536) % limit;
    };
    const folders = ['en', 'es'].flatMap((each) => fs.readdirSync(path.join(site, each), { withFileTypes: true })
        .filter((entry) => entry.isDirectory()).map(({ name }) => `${each}/${name}/index.html`));
    const files = Array.from({ length: 60 }, () => folders[random(folders.length)]);
    return { seed, files: [...new Set([...SAMPLE, ...files])] };
}

check('HTML is valid', async () => {
    const { seed, files } = choose();
    const validator = new HtmlValidate({
        extends: ['html-validate:standard'],
        // The titles of pairs are as long as two phrases are.
        rules: { 'long-title': 'off' },
    });
    const faults = [];
    for (const file of files) {
        const { results } = await validator.validateString(fs.readFileSync(path.join(site, file), 'utf8'));
        for (const { messages } of results) {
            messages.slice(0, 5).forEach(({ ruleId, message, line, column }) => {
                faults.push(`${file}:${line}:${column}: ${ruleId}: ${message}`);
            });
        }
    }
    assert(faults.length === 0, `seed ${seed}: ${faults.slice(0, 10).join('; ')}`);
});

async function main() {
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    origins = { http: `http://127.0.0.1:${server.address().port}/`, file: pathToFileURL(site).href + '/' };
    browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] });
    for (const { name, run } of checks) {
        try {
            await run();
            console.log(`ok ${name}`);
        } catch (error) {
            console.log(`not ok ${name}: ${String(error.message).replace(/\s+/g, ' ')}`);
        }
    }
    await browser.close();
    server.close();
}

main().catch((error) => {
    console.log(`not ok start: ${String(error.stack).replace(/\s+/g, ' ')}`);
    process.exit(1);
});
