-- SPDX-License-Identifier: BSD-2-Clause
-- SHA-256 (FIPS 180-4) in hexadecimal, for clients that compute hundreds of digests a second.
local function is_prime(number)
    for divisor = 2, math.floor(number ^ 0.5) do
        if number % divisor == 0 then
            return false
        end
    end
    return true
end

-- The first 32 bits of the fraction of a root.
local function fraction(number, power)
    local root = number ^ power
    return math.floor((root - math.floor(root)) * (1 << 32))
end

local constants, initial, number = {}, {}, 2
while #constants < 64 do
    if is_prime(number) then
        constants[#constants + 1] = fraction(number, 1 / 3)
        if #initial < 8 then
            initial[#initial + 1] = fraction(number, 1 / 2)
        end
    end
    number = number + 1
end

local function mix(word, first, second, third)
    local twice = word | word << 32
    return (twice >> first ~ twice >> second ~ third) & 0xffffffff
end

local function spread(text, at)
    local w = { string.unpack(">I4I4I4I4I4I4I4I4I4I4I4I4I4I4I4I4", text, at) }
    for i = 17, 64 do
        local a, b = w[i - 15], w[i - 2]
        w[i] = (w[i - 16] + mix(a, 7, 18, a >> 3) + w[i - 7] + mix(b, 17, 19, b >> 10)) & 0xffffffff
    end
    return w
end

local function compress(state, text, at)
    local w = spread(text, at)
    local a, b, c, d, e, f, g, h = table.unpack(state)
    for i = 1, 64 do
        local ee, aa = e | e << 32, a | a << 32
        local first = h + mix(e, 6, 11, ee >> 25) + (e & f ~ ~e & g) + constants[i] + w[i]
        local second = mix(a, 2, 13, aa >> 22) + (a & b ~ a & c ~ b & c)
        h, g, f, e, d, c, b, a = g, f, e, (d + first) & 0xffffffff, c, b, a, (first + second) & 0xffffffff
    end
    for i, word in ipairs { a, b, c, d, e, f, g, h } do
        state[i] = (state[i] + word) & 0xffffffff
    end
end

return function(text)
    local state = { table.unpack(initial) }
    local padded = text .. "\x80" .. ("\0"):rep((55 - #text) % 64) .. string.pack(">I8", #text * 8)
    for at = 1, #padded, 64 do
        compress(state, padded, at)
    end
    return (("%08x"):rep(8):format(table.unpack(state)))
end
