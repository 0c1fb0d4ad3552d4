-- SPDX-License-Identifier: BSD-2-Clause
-- The ladders of scenes that the core has played, as figures. Each scene is played once.
local source, html, host = ...

local pictures = {}
local without = source("site/scenes/without")()

local section = html.template [[<h2>{heading}</h2><div class="pictures">{figures}</div>]]
local reason = html.template [[<p class="small">{text}</p>]]
local figure = html.template [[<figure><figcaption>{title}</figcaption>{picture}</figure>]]

local MOST = 3 -- pictures on one page

local function contains(list, value)
    for _, each in ipairs(list or {}) do
        if each == value then return true end
    end
    return false
end

-- Scenes that begin with what is looked for come first, the others in their order.
local function choose(scenes, wanted, first)
    local list = {}
    for pass = 1, 2 do
        for _, scene in ipairs(scenes) do
            if wanted(scene) and first(scene) == (pass == 1) and #list < MOST then list[#list + 1] = scene end
        end
    end
    return list
end

-- `texts` are the languages' words. A host that cannot play scenes gets pages that are complete without pictures.
return function(texts)
    local scenes = host.plays and require "reflow.site.scenes"
    local ladder = host.plays and require "reflow.ladder"
    local list = scenes and scenes.list() or {}
    local records, drawn = {}, {}

    local function record_of(scene)
        records[scene.id] = records[scene.id] or scenes.play(scene.id)
        return records[scene.id]
    end

    local function draw(lang, scene)
        local key = lang .. " " .. scene.id
        if not drawn[key] then
            drawn[key] = figure { title = scene.title[lang], picture = html.raw(ladder.svg(record_of(scene), lang)) }
        end
        return drawn[key]
    end

    local function show(lang, wanted, first)
        local found = choose(list, wanted, first)
        if #found == 0 then return false end
        return section { heading = texts[lang].words.pictures,
            figures = html.each(found, function(scene) return draw(lang, scene) end) }
    end

    function pictures.of_code(lang, code)
        return show(lang, function(scene) return contains(scene.codes, code) end,
            function(scene) return scene.codes[1] == code end)
    end

    function pictures.of_pair(lang, a, b)
        return show(lang, function(scene) return contains(scene.codes, a) and contains(scene.codes, b) end,
            function(scene) return scene.codes[1] == a or scene.codes[1] == b end)
    end

    -- For a rule that no scene shows, a sentence that says why.
    function pictures.of_rule(lang, rule)
        local kind = without.rules[rule]
        if kind then return reason { text = without.kinds[kind][lang] } end
        return show(lang, function(scene) return contains(scene.rules, rule) end,
            function(scene) return scene.rules[1] == rule end)
    end

    -- What is decided in a scene and not in one before it; `seen` has the keys of those before.
    local function new_decisions(scene, seen)
        local decisions = {}
        for _, event in ipairs(record_of(scene).events) do
            local key = event.kind == "decision" and
                table.concat({ event.role, event.code, event.action, event.rule }, " ")
            if key and not seen[key] then
                seen[key] = true
                decisions[#decisions + 1] = { code = event.code, action = event.action, rule = event.rule,
                    role = event.role }
            end
        end
        return decisions
    end

    -- The scenes in which something is decided for the first time:
    -- { { title, svg, decisions = { { code, action, rule, role }... } }... }.
    function pictures.of_decisions(lang)
        local seen, result = {}, {}
        for _, scene in ipairs(list) do
            local decisions = new_decisions(scene, seen)
            if #decisions > 0 then
                result[#result + 1] = { title = scene.title[lang], decisions = decisions,
                    svg = ladder.svg(record_of(scene), lang) }
            end
        end
        return result
    end

    return pictures
end
