-- SPDX-License-Identifier: BSD-2-Clause
-- The scenes of the site: what response codes do, played by the real server on a simulated network and clock.
--
--     scenes.list()     { { id, codes, rules, title = { en, es } } ... }, always in the same order: the codes that one
--                       sees in the scene, what it is about first, and the rules that decide it or that it shows
--     scenes.play(id)   what happened, for lua/reflow/ladder.lua; an error if the scene does not play
--
-- A scene is a table in one of the files of scenes/: `play` gets the world of lua/reflow/spec_actors.lua, in which
-- `invite` calls sip:bob@example.com. Callers and phones react as the core decides for a user agent. `policy` is the
-- text of a policy; without one, the core alone decides. `rules` are those of decisions; `shows` has others, each with
-- a function of scenes/watch.lua that says whether the record shows it. `fields` names header fields that the picture
-- needs beside the usual ones. Rules that no scene shows are in scenes/without.lua, with the reason.
local actors = require "reflow.spec_actors"

local scenes = {}

local files = { "success", "refusals", "flows", "retries", "servers", "forks", "registrations", "edges", "credentials",
    "routing", "agents", "network" }
local all, by_id = {}, {}

for _, file in ipairs(files) do
    for _, scene in ipairs(require("reflow.site.scenes." .. file)) do
        all[#all + 1], by_id[scene.id] = scene, scene
    end
end

local names = {
    caller = { en = "caller", es = "llamante" },
    subscriber = { en = "subscriber", es = "suscriptor" },
    proxy = { en = "proxy", es = "proxy" },
    registrar = { en = "registrar", es = "registrar" },
    edge = { en = "edge proxy", es = "proxy de borde" },
    publisher = { en = "publisher", es = "publicador" },
    phone = { en = "phone", es = "teléfono" },
}

-- Names of phones and servers in the scenes.
local spanish = {
    desk = "fijo", mobile = "móvil", home = "casa", presence = "presencia",
    voicemail = "buzón de voz", ["edge 1"] = "borde 1", ["edge 2"] = "borde 2", ["trunk 1"] = "troncal 1",
    ["trunk 2"] = "troncal 2", ["gateway 1"] = "gateway 1", ["gateway 2"] = "gateway 2",
    ["new phone"] = "teléfono nuevo", ["bob via proxy"] = "bob vía proxy", ["first proxy"] = "primer proxy",
    ["other proxy"] = "otro proxy", stranger = "desconocido", carrier = "operador",
}

local function label_of(part)
    local phone, flow = part.name:match "^(.+)/(%d+)$"
    if flow and not part.label then
        return { en = phone .. " flow " .. flow, es = "flujo " .. flow .. " de " .. (spanish[phone] or phone) }
    end
    local name = part.label or part.name
    return { en = name, es = spanish[name] or name }
end

local function copy(list)
    return table.move(list, 1, #list, 1, {})
end

local function rules_of(scene)
    local rules = copy(scene.rules)
    for _, shown in ipairs(scene.shows or {}) do rules[#rules + 1] = shown[1] end
    return rules
end

function scenes.list()
    local list = {}
    for index, scene in ipairs(all) do
        list[index] = { id = scene.id, codes = copy(scene.codes), rules = rules_of(scene),
            title = { en = scene.title.en, es = scene.title.es } }
    end
    return list
end

-- A world with a server that runs the scene's policy.
local function new_world(net, scene)
    local world = actors.new(net)
    local opened = false
    world.pictured, world.setup, world.fields = true, false, scene.fields or {}
    function world.open()
        if opened then return end
        opened = true
        local ok, why = net.open(scene.policy)
        if not ok then error(why, 0) end
    end
    function world.invite(options)
        local all_options = { to = "sip:bob@example.com", reacts = true }
        for key, value in pairs(options or {}) do all_options[key] = value end
        return world.request("INVITE", all_options)
    end
    return world
end

local function play(net, scene)
    local world = new_world(net, scene)
    scene.play(world)
    for _, event in ipairs(world.logged) do
        if event.level == "error" then error(event.text, 0) end
    end
    local record = actors.record(world, { en = scene.title.en, es = scene.title.es })
    record.id, record.left, record.rules = scene.id, scene.left, {}
    for index, shown in ipairs(scene.shows or {}) do
        local rule, check = shown[1], shown[2]
        if not check(record) then error("it does not show " .. rule, 0) end
        record.rules[index] = { rule, net.rule(rule) }
    end
    record.labels = {}
    for _, part in ipairs(record.participants) do record.labels[part.name] = label_of(part) end
    record.labels.reflow, record.labels.caller = names[scene.server or "proxy"], names[scene.caller or "caller"]
    return record
end

function scenes.play(id)
    local scene = by_id[id]
    if not scene then error(("there is no scene '%s'"):format(tostring(id)), 2) end
    local net = require "reflow.scene_player".new()
    local ok, record = xpcall(play, debug.traceback, net, scene)
    net.finish()
    if not ok then error(("the scene %s does not play: %s"):format(id, record), 0) end
    return record
end

return scenes
