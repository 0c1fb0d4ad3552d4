-- SPDX-License-Identifier: BSD-2-Clause
-- expect: memory overrun
-- A chain through weak keys, which the collector would take seconds for.
sip_on_response(486, function(reply, call, decision)
    local meta = {}
    local chain, keys = setmetatable({}, meta), {}
    meta['__mo' .. 'de'] = 'k'
    for i = 1, 8000 do keys[i] = {} end
    for i = 8000, 2, -1 do
        local k = i * 7919 % i + 1
        keys[i], keys[k] = keys[k], keys[i]
    end
    for i = 1, 7999 do chain[keys[i]] = keys[i + 1] end
    keys = keys[1]
    local t = {}
    for i = 1, 1e9 do t[i] = {} end
    return chain, keys
end)
