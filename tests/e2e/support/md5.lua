-- SPDX-License-Identifier: BSD-2-Clause
-- MD5 (RFC 1321) of a string, in hexadecimal: for user agents that register often.
local rotations <const> = { { 7, 12, 17, 22 }, { 5, 9, 14, 20 }, { 4, 11, 16, 23 }, { 6, 10, 15, 21 } }
local constants = {}
for index = 0, 63 do
    constants[index] = math.floor(math.abs(math.sin(index + 1)) * 0x100000000)
end

local function mix(index, b, c, d)
    if index < 16 then
        return (b & c) | (~b & d), index
    elseif index < 32 then
        return (d & b) | (~d & c), (5 * index + 1) % 16
    elseif index < 48 then
        return b ~ c ~ d, (3 * index + 5) % 16
    end
    return c ~ (b | (~d & 0xffffffff)), 7 * index % 16
end

local function round(words, a, b, c, d)
    for index = 0, 63 do
        local f, word = mix(index, b, c, d)
        local sum = (a + f + constants[index] + words[word + 1]) & 0xffffffff
        local by = rotations[index // 16 + 1][index % 4 + 1]
        a, d, c, b = d, c, b, (b + (sum << by | sum >> (32 - by))) & 0xffffffff
    end
    return a, b, c, d
end

return function(text)
    local padded = text .. "\x80" .. ("\0"):rep((55 - #text) % 64) .. string.pack("<I8", #text * 8)
    local a, b, c, d = 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476
    for at = 1, #padded, 64 do
        local words = table.pack(string.unpack("<" .. ("I4"):rep(16), padded, at))
        local e, f, g, h = round(words, a, b, c, d)
        a, b, c, d = (a + e) & 0xffffffff, (b + f) & 0xffffffff, (c + g) & 0xffffffff, (d + h) & 0xffffffff
    end
    return (string.pack("<I4I4I4I4", a, b, c, d):gsub(".", function(byte)
        return ("%02x"):format(byte:byte())
    end))
end
