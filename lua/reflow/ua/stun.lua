-- SPDX-License-Identifier: BSD-2-Clause
-- STUN binding requests and their answers (RFC 8489), as keep-alives of datagram flows (RFC 5626 section 4.4.2).
local stun = {}

local COOKIE = 0x2112a442
local REQUEST, SUCCESS, ERROR = 0x0001, 0x0101, 0x0111
local MAPPED, XOR_MAPPED = 0x0001, 0x0020

-- `id`: 12 random bytes.
function stun.request(id)
    return string.pack(">I2I2I4", REQUEST, 0, COOKIE) .. id
end

function stun.is(bytes)
    return #bytes >= 20 and bytes:byte() < 0x40 and string.unpack(">I4", bytes, 5) == COOKIE
end

local function address(value, mask)
    if #value < 4 then
        return nil
    end
    local family, port = value:byte(2), string.unpack(">I2", value, 3)
    local size = family == 1 and 4 or family == 2 and 16
    if not size or #value ~= 4 + size then
        return nil
    end
    local bytes = {}
    for i = 1, size do
        bytes[i] = value:byte(4 + i) ~ (mask and mask:byte(i) or 0)
    end
    return ("%s:%d"):format(table.concat(bytes, "."), mask and port ~ (COOKIE >> 16) or port)
end

-- What answers the request with this id: "mapped" and the address, or "error"; nil for anything else.
function stun.answer(bytes, id)
    if not stun.is(bytes) or bytes:sub(9, 20) ~= id then
        return nil
    end
    local kind, length = string.unpack(">I2I2", bytes)
    if kind == ERROR then
        return "error"
    elseif kind ~= SUCCESS or length ~= #bytes - 20 then
        return nil
    end
    local at, plain = 21, nil
    while at + 3 <= #bytes do
        local attribute, size = string.unpack(">I2I2", bytes, at)
        local value = bytes:sub(at + 4, at + 3 + size)
        if #value < size then
            return nil
        elseif attribute == XOR_MAPPED then
            local found = address(value, bytes:sub(5, 20))
            return found and "mapped", found
        elseif attribute == MAPPED then
            plain = address(value)
        end
        at = at + 4 + (size + 3 & ~3)
    end
    return plain and "mapped", plain
end

return stun
