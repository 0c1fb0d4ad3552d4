-- SPDX-License-Identifier: BSD-2-Clause
-- The page decide/ of the site: its core decides 100,000 random questions as the program does, and its words are
-- complete in every language.
local tap = require "tap"
local temporary = require "temporary"
local sip = require "reflow"
local read = require("file").read

local program = os.getenv "REFLOW_BIN" or "build/reflow"

local QUESTIONS <const> = 100000
local COMPARED <const> = { "code", "status", "value", "wait_min_ms", "wait_max_ms", "rest", "action", "drop", "rule",
    "change", "flags", "why" }
-- In the order of enum decision_flag.
local FLAGS <const> = { "ack", "cancel_rest", "end_usage", "reset_timer_c", "merge_challenges", "bye", "store_binding",
    "start_keepalive", "stop_outbound", "drop_service_route", "set_service_route", "subscription_stands",
    "never_repeat", "next_server", "answered" }
local NUMBERS <const> = { retry_after = true, min_expires = true, min_se = true, flow_timer = true, reg_id = true,
    flows_left = true, via_count = true, attempts = true, branches_pending = true, targets_left = true,
    responses_held = true }
local WORDS <const> = { method = true, role = true, origin = true }

local function question_of(text)
    local code, context = nil, {}
    for name, value in text:gmatch "(%S+)=(%S*)" do
        if name == "code" then
            code = math.tointeger(value)
        else
            context[name] = WORDS[name] and value or NUMBERS[name] and math.tointeger(value) or value == "1"
        end
    end
    if context.method == "" then context.method = "OTHER" end
    return code, context
end

local function milliseconds(seconds)
    return ("%d"):format(math.floor(seconds * 1000 + 0.5))
end

-- The decision of the program as a table of texts.
local function decided(text)
    local decision = sip.decide(question_of(text))
    local flags = {}
    for _, name in ipairs(FLAGS) do
        if decision[name] then flags[#flags + 1] = name end
    end
    return {
        code = tostring(decision.code), status = tostring(decision.status or 0), value = tostring(decision.value or 0),
        wait_min_ms = milliseconds(decision.wait_min), wait_max_ms = milliseconds(decision.wait_max),
        rest = tostring(decision.rest or 0), action = decision.action, drop = decision.drop or "none",
        rule = decision.rule, change = table.concat(decision.change, ","), flags = table.concat(flags, ","),
        why = decision.why,
    }
end

tap.test("the page decides 100,000 random questions as the program does", function(t)
    local site = temporary.path()
    t:defer(function() os.execute("rm -rf " .. site) end)
    t:ok(os.execute(("%s site %s --lang es >/dev/null"):format(program, site)), "the site is written")
    local seed = os.time() % 1000000
    local ask = "env -u LD_PRELOAD node tests/e2e/site/ask.js %s/es/decide/index.html %d %d"
    local pipe <close> = assert(io.popen(ask:format(site, seed, QUESTIONS)))
    local count, rules = 0, {}
    for line in pipe:lines() do
        local question, answer = line:match "^(.-)\t(.*)$"
        local own, page = decided(question), {}
        for name, value in (answer .. "|"):gmatch "([%w_]+)=(.-)|" do page[name] = value end
        for _, name in ipairs(COMPARED) do
            t:equal(page[name], own[name], ("seed %d: %s: %s"):format(seed, question, name))
        end
        rules[own.rule] = true
        count = count + 1
    end
    t:equal(count, QUESTIONS, "questions")
    local different = 0
    for _ in pairs(rules) do different = different + 1 end
    t:ok(different > 25, "the questions reach many rules: " .. different)
end)

local function keys_of(value, path, list)
    for key, each in pairs(value) do
        local name = path .. "." .. key
        list[name] = type(each) == "table" and "table" or type(each)
        if type(each) == "table" then keys_of(each, name, list) end
    end
    return list
end

tap.test("the words of the page name every fact, action, flag and change, in each language", function(t)
    local english = dofile "lua/reflow/catalog/en_decide.lua"
    for lang in ("en es"):gmatch "%a+" do
        local words = dofile(("lua/reflow/catalog/%s_decide.lua"):format(lang))
        local have, wanted = keys_of(words, "", {}), keys_of(english, "", {})
        for name, kind in pairs(wanted) do t:equal(have[name], kind, lang .. name) end
        for name, kind in pairs(have) do t:equal(wanted[name], kind, lang .. name) end
        local facts = 0
        for name in read "module/core/facts.def":gmatch '\nFACT%([^"]-"([%w-]+)"' do
            t:ok(words.facts[name], lang .. ": " .. name)
            facts = facts + 1
        end
        t:equal(facts, 34, "facts")
        for _, name in ipairs(FLAGS) do t:ok(words.flags[name], lang .. ": " .. name) end
        local names = read "module/core/decide_names.c"
        for name in names:gmatch '%[ACTION_[A-Z_]+%] = "([a-z_]+)"' do
            t:ok(words.actions[name], lang .. ": " .. name)
        end
        for name in names:match "change_name.-{.-{(.-)}":gmatch '"([a-z_]+)"' do
            t:ok(words.changes[name], lang .. ": " .. name)
        end
    end
end)

tap.done()
