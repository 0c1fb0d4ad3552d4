-- SPDX-License-Identifier: BSD-2-Clause
-- What tests/unit/test_scenes.c runs: the scenes of the site, played, and the pictures of ladders.
local scenes = require "reflow.site.scenes"
local ladder = require "reflow.ladder"
local watch = require "reflow.site.scenes.watch"
local words = require "reflow.ladder_words"
local without = require "reflow.site.scenes.without"

local BYTES_MOST = 20000
local checks = {}

-- The rules and codes that one sees in a scene.
local function seen(record)
    local codes, rules = {}, {}
    for _, event in ipairs(record.events) do
        if not event.setup then
            if event.code then codes[event.code] = true end
            if event.rule then rules[event.rule] = true end
        end
    end
    return codes, rules
end

local function show(set)
    local list = {}
    for each in pairs(set) do list[#list + 1] = tostring(each) end
    table.sort(list)
    return table.concat(list, " ")
end

-- Every element is closed, and there is neither a bare & nor a < in its text.
local function assert_well_formed(svg, what)
    local open = {}
    for tag in svg:gmatch "<([^>]*)>" do
        local name = tag:match "^/?([%a]+)"
        assert(name, what .. ": no element: <" .. tag .. ">")
        if tag:sub(1, 1) == "/" then
            assert(table.remove(open) == name, what .. ": </" .. name .. "> closes nothing")
        elseif tag:sub(-1) ~= "/" then
            open[#open + 1] = name
        end
    end
    assert(#open == 0, what .. ": not closed: " .. table.concat(open, " "))
    for entity in svg:gmatch "&([^;]?[^;]?[^;]?[^;]?[^;]?;?)" do
        assert(entity:find "^%a+;" or entity:find "^#%d+;", what .. ": a bare &: " .. entity)
    end
    assert(utf8.len(svg), what .. ": no UTF-8")
end

local function assert_picture(svg, record, what)
    assert(#svg < BYTES_MOST, ("%s has %d bytes"):format(what, #svg))
    assert_well_formed(svg, what)
    local id = record.id
    assert(svg:find('^<svg xmlns="http://www.w3.org/2000/svg" class="ladder" role="img"'), what)
    assert(svg:find(('aria-labelledby="%s-title %s-desc"'):format(id, id), 1, true), what)
    assert(svg:find('<title id="' .. id .. '-title">', 1, true) and svg:find('<desc id="' .. id .. '-desc">', 1, true),
        what)
    for used in svg:gmatch '[ <]id="(.-)"' do assert(used:find(id, 1, true) == 1, what .. ": id " .. used) end
    assert(not svg:find "url%(" and not svg:find "href", what .. " loads something")
end

function checks.scenes_play_and_show_their_codes_and_rules()
    local known = {}
    local list = scenes.list()
    assert(#list >= 24, #list .. " scenes")
    for _, scene in ipairs(list) do
        assert(not known[scene.id] and scene.id:find "^[%w-]+$", scene.id)
        known[scene.id] = true
        local record = scenes.play(scene.id)
        local codes, rules = seen(record)
        for _, rule in ipairs(record.rules) do rules[rule[1]] = true end
        for _, code in ipairs(scene.codes) do
            assert(codes[code], ("%s: %d is not seen, but %s"):format(scene.id, code, show(codes)))
        end
        for _, rule in ipairs(scene.rules) do
            assert(rules[rule], ("%s: %s decides nothing, but %s"):format(scene.id, rule, show(rules)))
        end
    end
end

-- The codes of which the site promises a scene, and the rules that show why.
function checks.scenes_cover_what_is_promised()
    local promised = { "200-invite", "200-register", "200-subscribe", "430-another-flow", "430-no-flow",
        "430-masked-by-486", "401-407-merged", "408-silent", "422-session-interval", "423-register",
        "480-not-registered", "486-busy", "487-cancel", "491-glare", "503-retry-after", "302-recursion",
        "302-no-recursion", "603-forks", "flow-cut-invite" }
    local known = {}
    for _, scene in ipairs(scenes.list()) do known[scene.id] = true end
    for _, id in ipairs(promised) do assert(known[id], id) end
end

-- Every rule has a scene, or one kind of reason why it has none.
function checks.every_rule_has_a_scene_or_a_reason()
    local shown, known, lacking = {}, {}, {}
    for _, scene in ipairs(scenes.list()) do
        for _, rule in ipairs(scene.rules) do shown[rule] = scene.id end
    end
    for line in io.lines "module/core/rules.def" do
        local id = line:match '^RULE%([%w_]+, +"([^"]+)"'
        if id then
            known[id] = true
            assert(not (shown[id] and without.rules[id]), id .. " has a scene: " .. tostring(shown[id]))
            if not shown[id] and not without.rules[id] then lacking[#lacking + 1] = id end
        end
    end
    assert(#lacking == 0, "neither a scene nor a reason: " .. table.concat(lacking, " "))
    for id, kind in pairs(without.rules) do
        assert(known[id] and without.kinds[kind].en and without.kinds[kind].es, id)
    end
end

function checks.what_a_scene_shows_is_looked_for()
    local record = scenes.play "487-early-cancel"
    local cancel, ringing = { from = "caller", request = "CANCEL" }, { from = "bob/1", code = 180 }
    assert(watch.count(1, cancel)(record) and not watch.count(2, cancel)(record))
    assert(watch.count(0, { to = "nobody" })(record) and watch.count(0, { field = "Path: " })(record))
    assert(watch.order(cancel, ringing)(record) and not watch.order(ringing, cancel)(record))
    assert(not watch.order(cancel, { code = 200, method = "INVITE" })(record))
    assert(not watch.all(watch.count(1, cancel), watch.count(2, cancel))(record))
    assert(watch.decided { code = 487, role = "proxy" }(record) and not watch.decided { code = 486 }(record))
    local first = { from = "reflow", code = 401, field = "WWW-Authenticate: realm example.com" }
    local challenged = scenes.play "401-register"
    assert(watch.count(1, first)(challenged))
    first.also = "realm example"
    assert(watch.count(1, first)(challenged))
    first.also = "stale=true"
    assert(watch.count(0, first)(challenged))
    first.also, first.lacks = nil, "realm"
    assert(watch.count(0, first)(challenged))
end

function checks.a_list_of_scenes_is_the_callers_own()
    local list = scenes.list()
    list[1].codes[1], list[1].title.en = 999, "changed"
    assert(scenes.list()[1].codes[1] ~= 999 and scenes.list()[1].title.en ~= "changed")
end

function checks.an_unknown_scene_is_an_error()
    local ok, why = pcall(scenes.play, "nowhere")
    assert(not ok and why:find("there is no scene 'nowhere'", 1, true), why)
end

function checks.pictures_of_scenes()
    for _, scene in ipairs(scenes.list()) do
        local record = scenes.play(scene.id)
        for _, language in ipairs { "en", "es" } do
            local svg = ladder.svg(record, language)
            local what = scene.id .. " in " .. language
            assert_picture(svg, record, what)
            assert_well_formed(ladder.file(record, language), what)
            assert(svg == ladder.svg(scenes.play(scene.id), language), what .. " is not the same twice")
            assert(svg:find(' lang="' .. language .. '"', 1, true), what)
            for _, rule in ipairs(scene.rules) do
                assert(svg:find(">" .. rule .. "<", 1, true), what .. ": " .. rule)
            end
        end
    end
end

-- Both languages have every label, with the same places for values.
function checks.labels_have_a_language_of_their_own()
    local function compare(en, es, path)
        assert(type(en) == type(es), path)
        if type(en) == "table" then
            for key in pairs(en) do compare(en[key], es[key], path .. "." .. key) end
            for key in pairs(es) do assert(en[key] ~= nil, path .. "." .. key) end
        else
            assert(select(2, en:gsub("%%", "")) == select(2, es:gsub("%%", "")), path)
        end
    end
    compare(words.en, words.es, "words")
    local ok, why = pcall(ladder.svg, scenes.play "486-busy", "xx")
    assert(not ok and why:find("language 'xx'", 1, true), why)
end

local function crowd(label)
    local record = { id = "crowd", title = label, participants = { { name = "caller", kind = "caller" },
        { name = "reflow", kind = "reflow" } }, events = {} }
    for index = 1, 4 do
        record.participants[index + 2] = { name = label .. index, kind = "flow" }
        table.insert(record.events, { at = 0, kind = "flow", who = label .. index, state = "opened", setup = true })
    end
    for index = 1, 40 do
        local who = label .. index % 4 + 1
        table.insert(record.events, { at = index * 1000, kind = "message", from = index % 2 == 0 and who or "reflow",
            to = index % 2 == 0 and "reflow" or who, line = index % 2 == 0 and "486 " .. label or label,
            code = index % 2 == 0 and 486 or nil, fields = { { "Reason", label } } })
    end
    return record
end

function checks.six_participants_and_forty_messages()
    local record = crowd "Busy Here"
    for _, language in ipairs { "en", "es" } do
        local svg = ladder.svg(record, language)
        assert_picture(svg, record, "the crowd")
        assert(svg:find('viewBox="0 0 360 ', 1, true), "as wide as any other picture")
        assert(select(2, svg:gsub(">486 Busy Here</text>", "")) == 20)
    end
end

function checks.no_text_becomes_markup()
    local hostile = { '<script>alert("1")</script>', "a & b < c > d ' \"", "\0\1\2\27[31m", "\xff\xfe caf\xe9",
        "ünïcödé €",
        ("x"):rep(3000), "", " ", "]]>", "<!-- -->", "%s %d %", "&amp;", "\u{fffe}\u{ffff}" }
    for _, label in ipairs(hostile) do
        local record = crowd(label)
        record.failure = label .. "\n" .. label
        record.labels = { caller = label, reflow = { en = label } }
        table.insert(record.events, { at = 99999, kind = "log", level = "warning", text = label })
        table.insert(record.events, { at = 99999, kind = "decision", by = "reflow", role = "proxy", code = 486,
            action = label, rule = label, says = label, origin = "wire", verdict = label, refused = label })
        for _, svg in ipairs { ladder.svg(record, "en"), ladder.file(record, "es") } do
            assert_well_formed(svg, ("%q"):format(label))
            assert(not svg:find "<script" and not svg:find "<!" and not svg:find "[\0-\9\11-\31]", label)
        end
    end
end

-- However long the test was, and however long its texts.
function checks.a_picture_is_bounded()
    local record = crowd "Busy"
    for index = 1, 3000 do
        table.insert(record.events, { at = 50000 + index * 1000, kind = "message", from = "caller", to = "reflow",
            line = "OPTIONS sip:" .. ("y"):rep(2000) .. " SIP/2.0", method = "OPTIONS" })
    end
    local svg = ladder.svg(record, "en")
    assert(#svg < 600000, #svg)
    assert(svg:find("more events are not shown", 1, true))
end

function checks.an_empty_record_is_a_picture()
    assert_well_formed(ladder.svg({ id = "none", title = "", participants = {}, events = {} }, "en"), "nothing")
end

return checks
