-- SPDX-License-Identifier: BSD-2-Clause
-- What a user agent reads of header values and writes of messages; sip.parse reads the messages themselves.
local concat = table.concat

local message = {}

-- Values of a header, lines and commas apart: commas inside of quotes and <> part nothing.
function message.values(received, name)
    local values, n = {}, 1
    local line = received:header(name, n)
    while line do
        local at, depth, quoted = 1, 0, false
        for i = 1, #line do
            local c = line:sub(i, i)
            if c == '"' and line:sub(i - 1, i - 1) ~= "\\" then
                quoted = not quoted
            elseif not quoted and (c == "<" or c == ">") then
                depth = c == "<" and 1 or 0
            elseif c == "," and not quoted and depth == 0 then
                values[#values + 1] = line:sub(at, i - 1):match "^%s*(.-)%s*$"
                at = i + 1
            end
        end
        values[#values + 1] = line:sub(at):match "^%s*(.-)%s*$"
        n = n + 1
        line = received:header(name, n)
    end
    return values
end

-- The URI of a value, and what stands behind it.
function message.address(value)
    local uri, rest = value:match "<([^>]*)>(.*)$"
    if not uri then
        uri, rest = value:match "^([^;%s]*)(.*)$"
    end
    return uri, rest
end

-- A parameter of what stands behind an address; "" where it has no value.
function message.parameter(rest, name)
    for key, value in rest:gmatch ";%s*([^=;%s]+)%s*=?%s*([^;]*)" do
        if key:lower() == name then
            return value:match '^"(.*)"%s*$' or value:match "^(.-)%s*$"
        end
    end
end

-- Host, port and lower-case parameters of a sip URI; nil for anything else.
function message.target(uri)
    local scheme, rest = uri:match "^(%a+):(.*)$"
    scheme = scheme and scheme:lower()
    if scheme ~= "sip" and scheme ~= "sips" then
        return nil
    end
    local host_port, rest_parameters = rest:gsub("^[^@]*@", ""):match "^([^;?]*)([^?]*)"
    local host, port = host_port:match "^%[([%x:.]+)%]:?(%d*)$"
    if not host then
        host, port = host_port:match "^([%w.-]+):?(%d*)$"
    end
    port = tonumber(port)
    if not host or (port and (port < 1 or port > 65535)) then
        return nil
    end
    local transport = message.parameter(rest_parameters, "transport")
    return { scheme = scheme, host = host, port = port, transport = transport and transport:lower() }
end

-- Text from a start line, { name, value } pairs and a body. A value cannot bring lines of its own.
function message.build(start, headers, body)
    local lines = { start }
    for _, header in ipairs(headers) do
        lines[#lines + 1] = header[1] .. ": " .. tostring(header[2]):gsub("[\r\n]+", " ")
    end
    body = body or ""
    lines[#lines + 1] = "Content-Length: " .. #body
    return concat(lines, "\r\n") .. "\r\n\r\n" .. body
end

local HEAD_MOST, BODY_MOST = 65536, 65536

-- Cuts one message or keep-alive from the start of a stream: kind ("message" or "pong"), its text and the rest; nil
-- where there is not enough yet; false and why where nothing can be cut from this.
function message.cut(bytes)
    if bytes:sub(1, 2) == "\r\n" then
        -- A run of them at once, or a flood would be copied for each.
        local first = bytes:find "[^\r\n]"
        return "pong", "\r\n", first and bytes:sub(first) or bytes:match "\n(\r?)$" or ""
    end
    local _, stop = bytes:find("\r\n\r\n", 1, true)
    if (stop or #bytes) > HEAD_MOST then
        return false, "a header over 64 KiB"
    elseif not stop then
        return nil
    end
    local head = bytes:sub(1, stop):lower()
    local length = head:match "\ncontent%-length[ \t]*:[ \t]*([^\r\n]-)[ \t]*\r\n"
        or head:match "\nl[ \t]*:[ \t]*([^\r\n]-)[ \t]*\r\n"
    if length and not (length:find "^%d+$" and #length <= 9 and tonumber(length) <= BODY_MOST) then
        return false, "an invalid Content-Length"
    end
    stop = stop + (tonumber(length) or 0)
    if #bytes < stop then
        return nil
    end
    return "message", bytes:sub(1, stop), bytes:sub(stop + 1)
end

return message
