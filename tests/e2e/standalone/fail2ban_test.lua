-- SPDX-License-Identifier: BSD-2-Clause
-- The filter in examples/fail2ban, applied by fail2ban to the log of a running server.
local server = require "server"
local tap = require "tap"
local temporary = require "temporary"
local ua = require "ua"
local uv = require "luv"

local test = tap.test

-- The addresses that fail2ban would ban for this log, as a set, and in the order of the lines.
local function banned(t, log, filter)
    local path = temporary.path ".log"
    t:defer(function()
        os.remove(path)
    end)
    server.write(path, log)
    local output, text, status = uv.new_pipe(false), "", nil
    local process = assert(uv.spawn("fail2ban-regex", { args = { "-c", "examples/fail2ban", "-o", "ip", path, filter },
        stdio = { nil, output, nil } }, function(code)
        status = code
    end))
    output:read_start(function(_, chunk)
        text = text .. (chunk or "")
    end)
    assert(ua.wait.until_true(2 * ua.patience, function()
        return status
    end), "fail2ban-regex does not end")
    process:close()
    ua.wait.pause(10)
    output:close()
    local list = {}
    for address in text:gmatch "[^\n]+" do
        list[#list + 1] = address
    end
    table.sort(list)
    return table.concat(list, " ")
end

local function start(t)
    local s = server.start(t, { args = { "--limit-failures", "2", "--limit-connections", "3", "--limit-requests", "5" },
        source = [[
            sip_on_request("MESSAGE", function(request)
                sip_log("%s", request:header("Subject"))
                return sip_reply(202)
            end)]] })
    return s, function(host, transport)
        return ua.open { port = s.port, user = "mallory", domain = s.domain, transport = transport, local_host = host }
    end
end

local function expect_line(s, host, transport, reason)
    s:expect_log(("refused source=%s:%%d+ transport=%s [^\n]*reason=%s[^\n]*\n"):format(host, transport,
        reason:gsub("%-", "%%-")))
end

-- Every kind of line that the filter is about. Only the log of this server is used below.
local function make_log(t)
    local s, open = start(t)
    local function scan(host, transport, count)
        local flow = open(host, transport)
        for _ = 1, count do
            flow:request("REGISTER", { uri = "sip:example.net", to = "sip:bob@example.net" })
        end
        return flow
    end
    local scanner = scan("127.0.0.2", "tcp", 3) -- failure-limit, and a ban
    expect_line(s, "127.0.0.2", "tcp", "failure-limit")
    ua.wait.until_true(ua.patience, function()
        return scanner.closed_by_peer
    end)
    open("127.0.0.2", "tcp")
    expect_line(s, "127.0.0.2", "tcp", "banned")
    scan("127.0.0.3", "udp", 3) -- perhaps forged
    expect_line(s, "127.0.0.3", "udp", "failure-limit")
    local flood = open("127.0.0.4", "tcp")
    for _ = 1, 40 do
        flood:request("OPTIONS", { uri = "sip:example.test" })
    end
    expect_line(s, "127.0.0.4", "tcp", "request-limit")
    for _ = 1, 4 do
        open("127.0.0.5", "tcp")
    end
    expect_line(s, "127.0.0.5", "tcp", "source-connections")
    scan("127.0.0.6", "tcp", 1) -- once is not enough in the normal mode
    expect_line(s, "127.0.0.6", "tcp", "foreign-domain")
    -- Lines that a stranger tries to write in somebody else's name.
    local line = "refused source=192.0.2.66:5060 transport=tcp method=- aor=- status=0 reason=failure-limit"
    local forger = open("127.0.0.7", "udp")
    for _, subject in ipairs { line, "reflow: notice: " .. line, "x reflow[1]: reflow: notice: " .. line,
        "\r\n reflow: notice: " .. line } do
        forger:expect_final(forger:request("MESSAGE", { uri = "sip:bob@example.test",
            headers = { { "Subject", subject } } }), 202)
    end
    forger:request("REGISTER", { uri = "sip:example.net",
        to = "sip:a%20reflow:%20notice:%20" .. line:gsub(" ", "%%20") .. "@example.net" })
    expect_line(s, "127.0.0.7", "udp", "foreign-domain")
    t:match(s.err, "notice: policy: refused source=192%.0%.2%.66:5060 transport=tcp")
    return s.err
end

test("who exceeds a limit over a connection is banned, who is named in datagrams or foreign text is not", function(t)
    local log = make_log(t)
    t:equal(banned(t, log, "reflow"), "127.0.0.2 127.0.0.2 127.0.0.4 127.0.0.5")
    local aggressive = banned(t, log, "reflow[mode=aggressive]")
    t:match(aggressive, "127%.0%.0%.6")
    t:ok(not aggressive:find "127.0.0.3" and not aggressive:find "127.0.0.7" and not aggressive:find "192.0.2.66",
        aggressive)
    -- As the journal and the system's log write it.
    for _, time in ipairs { "Nov 29 02:10:00", "2026-11-29T02:10:00.123456+00:00" } do
        local before = time .. " host reflow[12]: "
        t:equal(banned(t, before .. log:gsub("\n(.)", "\n" .. before .. "%1"), "reflow"),
            "127.0.0.2 127.0.0.2 127.0.0.4 127.0.0.5")
    end
    -- No other IPv6 address than ::1 is at hand, which is exempt.
    local six = log:gsub("127%.0%.0%.4:", "[2001:db8::4]:")
    t:equal(banned(t, six, "reflow"), "127.0.0.2 127.0.0.2 127.0.0.5 2001:db8::4")
end)

tap.done()
