-- SPDX-License-Identifier: BSD-2-Clause
-- The page on which one asks the core. Loaded with the modules html and json and the script of the page; returns a
-- function that makes the page's main part from a table:
--   words    the catalog's words of this page
--   codes    a list of { number, phrase }
--   methods  a list of names
--   rules    the text of each rule, by id
--   reasons  the translation of each reason, by its English text; empty in English
--   scenes   a list of { id, svg (markup), decisions = { { code, action, rule, role }... } }
--   wasm     the bytes of the core as a WebAssembly module
local html, json, script = ...
local template, each, join = html.template, html.each, html.join

local ROLES = { "proxy", "edge", "registrar", "uac" }
local ORIGINS = { "wire", "timeout", "transport", "flow_down" }

-- The facts of each group that a person sees, in this order: numbers first, then what is true or false.
local NUMBERS = {
    header = { "retry-after", "min-expires", "min-se", "flow-timer", "via-count" },
    branch = { "flows-left", "reg-id" },
    others = { "branches-pending", "targets-left", "responses-held" },
    client = { "attempts" },
}
local FLAGS = {
    header = { "has-retry-after", "has-challenge", "requires-outbound", "has-service-route" },
    branch = { "on-flow", "has-instance", "provisional-seen", "next-server", "unacknowledged", "in-dialog", "refresh",
        "supports-outbound", "unmatched" },
    others = { "success-forwarded", "global-failure-seen", "final-forwarded", "cancelled", "may-recurse" },
    client = { "unwanted", "owns-call-id" },
}

local LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

-- RFC 4648, section 4.
local function base64(bytes)
    local out = {}
    for at = 1, #bytes, 3 do
        local a, b, c = bytes:byte(at, at + 2)
        local group = a << 16 | (b or 0) << 8 | (c or 0)
        for shift = 18, 0, -6 do
            local index = (group >> shift & 63) + 1
            out[#out + 1] = LETTERS:sub(index, index)
        end
        if not b then out[#out - 1] = "=" end
        if not c then out[#out] = "=" end
    end
    return table.concat(out)
end

local option = template [[<option value="{value}"{selected}>{label}</option>]]
local select_field = template [[
<p class="field"><label for="ask-{name}">{label}</label>
<select id="ask-{name}" name="{name}">{options}</select></p>
]]
local number_field = template [[
<p class="field"><label for="ask-{name}">{label}</label>
<input id="ask-{name}" name="{name}" type="number" inputmode="numeric" min="0" max="{most}" step="1" value="0"></p>
]]
local flag_field = template [[
<p class="flag"><input id="ask-{name}" name="{name}" type="checkbox" value="1">
<label for="ask-{name}">{label}</label></p>
]]
local code_field = template [[
<p class="field"><label for="ask-code">{label}</label>
<input id="ask-code" name="code" type="number" inputmode="numeric" min="100" max="699" step="1" value="430" list="ask-codes">
</p><datalist id="ask-codes">{codes}</datalist>
]]
local code_option = template [[<option value="{number}">{number} {phrase}</option>]]
local first_group = template [[<fieldset><legend>{legend}</legend>{fields}</fieldset>]]
local group = template [[<details{open}><summary>{legend}</summary><div class="fields">{fields}</div></details>]]
local scene = template [[<template id="scene-{id}">{svg}</template>]]

local page = template [[
<h1>{title}</h1>
<p class="lead">{lead}</p>
<noscript><p class="notice">{no_script}</p></noscript>
<p class="notice" id="no-wasm" hidden>{no_wasm}</p>
<div id="ask-page" hidden>
<form id="ask" autocomplete="off">{groups}<p><button type="reset">{reset}</button></p></form>
<section aria-labelledby="answer">
<h2 id="answer">{answer}</h2>
<p id="ask-error" role="alert" hidden></p>
<div id="decision" aria-live="polite"></div>
</section>
<div id="ask-scene"></div>
</div>
{scenes}
<script type="application/json" id="ask-data">{data}</script>
<script>{script}</script>
]]

local function options(list, labels, chosen)
    return each(list, function(value)
        return option {
            value = value, label = labels and labels[value] or value,
            selected = value == chosen and html.raw " selected" or false,
        }
    end)
end

local function choices(values)
    local words = values.words
    local methods = each(values.methods, function(name)
        return option { value = name, label = name, selected = name == "INVITE" and html.raw " selected" or false }
    end)
    return join(
        select_field { name = "origin", label = words.facts.origin, options = options(ORIGINS, words.origins, "wire") },
        code_field { label = words.code, codes = each(values.codes, code_option) },
        select_field {
            name = "method", label = words.facts.method,
            options = join(methods, option { value = "", label = words.other_method, selected = false }),
        },
        select_field { name = "role", label = words.facts.role, options = options(ROLES, words.roles, "proxy") })
end

local MOST = 65535
local MOST_SECONDS = 4294967295

local function fields(words, name)
    local numbers = each(NUMBERS[name], function(fact)
        local long = name == "header" and fact ~= "via-count" or fact == "reg-id"
        return number_field { name = fact, label = words.facts[fact], most = long and MOST_SECONDS or MOST }
    end)
    local flags = each(FLAGS[name], function(fact)
        return flag_field { name = fact, label = words.facts[fact] }
    end)
    return join(numbers, flags)
end

local function groups(values)
    local words = values.words
    return each(words.groups, function(entry)
        local name, legend = entry[1], entry[2]
        if name == "what" then return first_group { legend = legend, fields = choices(values) } end
        return group { legend = legend, fields = fields(words, name), open = name == "branch" and html.raw " open" or false }
    end)
end

local function data(values)
    local scenes = each(values.scenes, function(entry) return { id = entry.id, decisions = entry.decisions } end)
    return json {
        words = values.words, rules = values.rules, reasons = values.reasons, scenes = scenes, wasm = base64(values.wasm),
    }
end

return function(values)
    local words = values.words
    return page {
        title = words.title, lead = words.lead, no_script = words.no_script, no_wasm = words.no_wasm,
        groups = groups(values), reset = words.reset, answer = words.answer,
        scenes = each(values.scenes, scene), data = html.raw(data(values)), script = html.raw(script),
    }
end
