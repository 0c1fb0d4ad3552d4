-- SPDX-License-Identifier: BSD-2-Clause
-- The page on which one asks the core: a form for the facts, and the core itself as a WebAssembly module (module/wasm),
-- which decides in the browser. site/decide_script.lua is its script.
local source, html = ...

local json = source("site/json")()
local script = source("site/decide_script")()
local template, each, join = html.template, html.each, html.join

local decide_page = { place = { path = "decide", word = "decide" } }

local ROLES = { "proxy", "edge", "registrar", "uac" }
local METHODS = { "INVITE", "BYE", "CANCEL", "ACK", "REGISTER", "OPTIONS", "SUBSCRIBE", "NOTIFY", "PUBLISH", "INFO",
    "UPDATE", "PRACK", "REFER", "MESSAGE" }
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

local css = ([[
.ask{display:grid;grid-template-columns:minmax(0,26rem) minmax(0,1fr);gap:0 3rem;align-items:start}
.ask section>h2{margin-top:.75rem}
.ask dt::first-letter,.ask section li::first-letter{text-transform:uppercase}
fieldset,details{border:0;border-top:1px solid var(--line);padding:.75rem 0;margin:0;min-width:0}
legend{float:left;width:100%;padding:0}legend,summary{font-weight:650;margin-bottom:.5rem}
summary{cursor:pointer;padding:.25rem 0;margin:0}
legend+*{clear:both}
.field{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,12rem);gap:.25rem 1rem;align-items:center;
margin:.375rem 0}
.field input,.field select,.ask button{font:inherit;color:inherit;background:var(--paper);border:1px solid var(--soft);
border-radius:.375rem;padding:.375rem .5rem;width:100%;min-width:0}
.ask button{width:auto;padding:.375rem 1rem;cursor:pointer}
.field [aria-invalid=true]{border-color:var(--c5)}
.flag{display:grid;grid-template-columns:1.25rem minmax(0,1fr);gap:.625rem;margin:.375rem 0;align-items:start}
.flag input{width:1.125rem;height:1.125rem;margin:.25rem 0 0;accent-color:var(--link)}
.action{font-size:1.375rem;line-height:1.3}
.action code{font-size:1rem;color:var(--soft)}
.notice{border-left:4px solid var(--c5);padding-left:1rem}
pre{background:var(--panel);border-radius:.375rem;padding:.625rem .75rem;overflow-x:auto;white-space:pre-wrap}
.w{white-space:nowrap}
.wide{grid-template-columns:1fr}
@media (max-width:46rem){.field{grid-template-columns:1fr}}
@media (max-width:56rem){.ask{display:block}.ask section{border-top:1px solid var(--line);padding-top:1rem}}
]]):gsub("\n", "")

local option = template [[<option value="{value}"{selected}>{label}</option>]]
local select_field = template [[
<p class="field{wide}"><label for="ask-{name}">{label}</label>
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
<input id="ask-code" name="code" type="number" inputmode="numeric" min="100" max="699" step="1" value="430"
list="ask-codes"></p><datalist id="ask-codes">{codes}</datalist>
]]
local code_option = template [[<option value="{number}">{number} {phrase}</option>]]
local first_group = template [[<fieldset><legend>{legend}</legend>{fields}</fieldset>]]
local group = template [[<details><summary>{legend}</summary><div class="fields">{fields}</div></details>]]
local body = template [[
<h1>{title}</h1>
<p class="text">{lead}</p>
<noscript><p class="notice">{no_script}</p></noscript>
<p class="notice" id="no-wasm" hidden>{no_wasm}</p>
<div id="ask-page" class="ask" hidden>
<form id="ask" autocomplete="off">{groups}<p><button type="reset">{reset}</button></p></form>
<section aria-labelledby="answer">
<h2 id="answer">{answer}</h2>
<p id="ask-error" class="notice" role="alert" hidden></p>
<div id="decision" aria-live="polite"></div>
<div id="ask-scene"></div>
</section>
</div>
<script type="text/plain" id="ask-data">{data}</script>
<script type="text/plain" id="ask-core">{core}</script>
]]

local function options(list, labels, chosen)
    return each(list, function(value)
        return option {
            value = value, label = labels and labels[value] or value,
            selected = value == chosen and html.raw " selected" or false,
        }
    end)
end

local function choices(site, lang, words)
    local methods = each(METHODS, function(name)
        return option { value = name, label = name, selected = name == "INVITE" and html.raw " selected" or false }
    end)
    local codes = each(site.codes, function(code)
        return code_option { number = code, phrase = site.text[lang].codes[code].phrase }
    end)
    return join(
        select_field { name = "origin", label = words.facts.origin, wide = " wide",
            options = options(ORIGINS, words.origins, "wire") },
        code_field { label = words.code, codes = codes },
        select_field {
            name = "method", label = words.facts.method, wide = false,
            options = join(methods, option { value = "", label = words.other_method, selected = false }),
        },
        select_field { name = "role", label = words.facts.role, wide = " wide",
            options = options(ROLES, words.roles, "proxy") })
end

local MOST, MOST_SECONDS = 65535, 4294967295

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

local function groups(site, lang, words)
    return each(words.groups, function(entry)
        local name, legend = entry[1], entry[2]
        if name == "what" then return first_group { legend = legend, fields = choices(site, lang, words) } end
        return group { legend = legend, fields = fields(words, name) }
    end)
end

-- The pictures have one style, which the page needs once.
local function pictures_of(site, lang)
    local style = ""
    local scenes = each(site.pictures.of_decisions(lang), function(picture)
        local svg = picture.svg:gsub("<style>(.-)</style>\n?", function(found)
            style = found
            return ""
        end, 1)
        return { title = picture.title, svg = svg, decisions = picture.decisions }
    end)
    return scenes, style
end

-- Everything that only the script reads is compressed (RFC 1950), for the page is sent as it is.
local function packed(site, bytes)
    return base64(site.deflate(bytes))
end

local function data_of(site, lang, words, scenes)
    local text = site.text[lang]
    local translated = next(text.reasons) ~= nil -- the module has the English texts
    return json { words = words, rules = translated and text.rules or {}, reasons = text.reasons, scenes = scenes }
end

function decide_page.pages(site, lang, write)
    local words = source("catalog/" .. lang .. "_decide")()
    local scenes, style = pictures_of(site, lang)
    write {
        path = "decide", title = words.title, description = words.description, script = script,
        policy = " 'wasm-unsafe-eval'", style = css .. style,
        body = body {
            title = words.title, lead = words.lead, no_script = words.no_script, no_wasm = words.no_wasm,
            groups = groups(site, lang, words), reset = words.reset, answer = words.answer,
            data = packed(site, data_of(site, lang, words, scenes)), core = packed(site, site.wasm),
        },
    }
end

return decide_page
