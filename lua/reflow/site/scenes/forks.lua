-- SPDX-License-Identifier: BSD-2-Clause
-- Scenes with several phones that are called at once.
local function phones(world, names)
    local list = {}
    for index, name in ipairs(names) do
        list[index] = world.phone { aor = "sip:bob@example.com", name = name }
    end
    return table.unpack(list)
end

return {
    {
        id = "200-forks", codes = { 200, 180, 487 }, rules = { "3261-16.7.c" },
        title = { en = "Three phones ring, one answers, and the others are cancelled",
            es = "Suenan tres teléfonos, uno contesta y se cancelan las demás ramas" },
        play = function(world)
            local desk, mobile, home = phones(world, { "desk", "mobile", "home" })
            desk:answers(180)
            mobile:answers(180, { 200, after = 4 })
            home:answers(180)
            world.invite()
            world.advance(4)
        end,
    },
    {
        id = "603-forks", codes = { 603, 180, 487 }, rules = { "3261-16.7.d" },
        title = { en = "603 Decline ends the search: the other phones are cancelled",
            es = "603 Decline termina la búsqueda: se cancelan las demás ramas" },
        play = function(world)
            local desk, mobile, home = phones(world, { "desk", "mobile", "home" })
            desk:answers(180)
            mobile:answers(180, { 603, after = 4 })
            home:answers(180)
            world.invite()
            world.advance(4)
        end,
    },
    {
        id = "607-unwanted", codes = { 607, 180 }, rules = { "3261-16.7.d", "code-607-608" },
        title = { en = "607 Unwanted: the user marks the call as unwanted, and no phone rings any more",
            es = "607 Unwanted: el usuario marca la llamada como no deseada, y ya no suena ningún teléfono" },
        play = function(world)
            local desk, mobile = phones(world, { "desk", "mobile" })
            desk:answers(180)
            mobile:answers(180, { 607, after = 3 })
            world.invite()
            world.advance(3)
        end,
    },
    {
        id = "600-after-486", codes = { 600, 486 }, rules = { "3261-16.7.e", "3261-16.7.d" },
        title = { en = "486 from one phone, then 600 Busy Everywhere from another: 600 wins",
            es = "486 de un teléfono y después 600 Busy Everywhere de otro: prevalece el 600" },
        play = function(world)
            local desk, mobile = phones(world, { "desk", "mobile" })
            desk:answers(486)
            mobile:answers(180, { 600, after = 2 })
            world.invite()
            world.advance(2)
        end,
    },
    {
        id = "best-of-forks", codes = { 404, 486, 503 }, rules = { "3261-16.7.e" },
        title = { en = "404, 503 and 486 from three phones: the lowest class wins",
            es = "404, 503 y 486 de tres teléfonos: prevalece la clase más baja" },
        play = function(world)
            local desk, mobile, home = phones(world, { "desk", "mobile", "home" })
            desk:answers(503)
            mobile:answers { 486, after = 1 }
            home:answers { 404, after = 2 }
            world.invite()
            world.advance(2)
        end,
    },
}
