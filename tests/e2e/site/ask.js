// SPDX-License-Identifier: BSD-2-Clause
// node ask.js PAGE SEED COUNT: asks the core in the page COUNT random questions. Each line of the output is a question
// and its decision: "NAME=VALUE ...", a tab, "NAME=VALUE ...".
"use strict";
const fs = require("fs");
const zlib = require("zlib");

const [page, seed, count] = process.argv.slice(2);
const html = fs.readFileSync(page, "utf8");
const packed = html.match(/<script type="text\/plain" id="ask-core">([^<]*)<\/script>/)[1];
const bytes = zlib.inflateSync(Buffer.from(packed, "base64"));
const core = new WebAssembly.Instance(new WebAssembly.Module(bytes), {}).exports;

// xorshift32: the same questions for the same seed.
let state = Number(seed) >>> 0 || 1;
function random(below) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
}

function text(address) {
    const bytes = new Uint8Array(core.memory.buffer);
    return Buffer.from(bytes.slice(address, bytes.indexOf(0, address))).toString();
}

const facts = Array.from({ length: core.ask_fact_count() }, (_, index) => ({
    name: text(core.ask_fact_name(index)).replace(/-/g, "_"),
    limit: core.ask_fact_limit(index) >>> 0,
    word: (value) => text(core.ask_fact_word(index, value)),
}));

// Small numbers and the largest ones decide, so most values are among them.
function value(limit) {
    const kind = random(8);
    if (limit < 32) return random(limit + 1);
    if (kind < 3) return 0;
    return kind < 6 ? random(4) : kind === 6 ? random(limit + 1) : limit - random(2);
}

function code() {
    const kind = random(16);
    return kind === 0 ? random(1000) : kind === 1 ? random(0xffffffff) : 100 + random(600);
}

function names(number, name) {
    const list = [];
    for (let bit = 0; bit < 32; bit++) if (number >>> bit & 1) list.push(text(name((1 << bit) >>> 0)));
    return list.join(",");
}

const NUMBERS = { code: 0, status: 2, value: 4, wait_min_ms: 5, wait_max_ms: 6, rest: 7 };
const out = [];
for (let i = 0; i < Number(count); i++) {
    const question = [];
    core.ask_clear();
    const asked = code();
    core.ask_code(asked);
    question.push(`code=${asked}`);
    let implied = false; // Retry-After was given, so it is there
    facts.forEach((fact, index) => {
        const chosen = fact.name === "has_retry_after" && implied ? 1 : value(fact.limit);
        implied = fact.name === "retry_after" && chosen > 0;
        core.ask_fact(index, chosen);
        if (chosen !== 0 || fact.word(1) !== "") question.push(`${fact.name}=${fact.word(chosen) || chosen}`);
    });
    core.ask_decide();
    const decision = Object.entries(NUMBERS).map(([name, which]) => `${name}=${core.ask_number(which) >>> 0}`);
    decision.push(`action=${text(core.ask_text(0))}`, `drop=${text(core.ask_text(1))}`, `rule=${text(core.ask_text(2))}`,
        `change=${names(core.ask_number(3), core.ask_change_name)}`,
        `flags=${names(core.ask_number(9), core.ask_flag_name)}`, `why=${text(core.ask_text(4))}`);
    out.push(question.join(" ") + "\t" + decision.join("|"));
}
process.stdout.write(out.join("\n") + "\n");
