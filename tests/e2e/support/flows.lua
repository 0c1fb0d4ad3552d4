-- SPDX-License-Identifier: BSD-2-Clause
-- Users with more than one flow, as many tests want them.
local ua = require "ua"

local flows = {}
local one, two = ua.instance(1), ua.instance(2)

-- Two flows of one instance; the call tries `first` first.
function flows.two(open, more)
    local first, second = open("bob", more), open("bob", more)
    first:register { instance = one, reg_id = 1, q = "1.0" }
    second:register { instance = one, reg_id = 2, q = "0.5" }
    return first, second, open("alice")
end

-- Two flows of one instance with the same q, and which of the two a call took.
function flows.equal(open, more)
    local a, b = open("bob", more), open("bob", more)
    a:register { instance = one, reg_id = 1 }
    b:register { instance = one, reg_id = 2 }
    local caller = open("alice")
    local call = caller:invite(a.aor)
    local taken, other
    ua.wait.until_true(ua.patience, function()
        for _, pair in ipairs { { a, b }, { b, a } } do
            if #pair[1].inbox > 0 then
                taken, other = pair[1], pair[2]
                return true
            end
        end
    end)
    assert(taken, "the INVITE came on neither flow")
    return taken, other, caller, call
end

-- Two instances of one user that ring together, and a caller.
function flows.instances(open)
    local desk, cell = open("bob"), open("bob")
    desk:register { instance = one, reg_id = 1 }
    cell:register { instance = two, reg_id = 1 }
    return desk, cell, open("alice")
end

return flows
