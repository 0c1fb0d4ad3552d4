-- SPDX-License-Identifier: BSD-2-Clause
-- Every block of shell commands in the manuals is run as it stands, in order, in one shell for each manual. Only ports
-- and places under /tmp are moved, so that a test neither meets nor leaves anything on the machine. A block that cannot
-- be run here must be named below together with what runs it.
local uv = require "luv"
local tap = require "tap"
local server = require "server"
local certificates = require "certificates"
local temporary = require "temporary"
local read = require("file").read
local write = require("file").write

local test = tap.test

local manuals = { "README.md", "lua/README.md", "module/cli/README.md", "module/kamailio/README.md",
    "module/script/README.md", "module/standalone/README.md", "tests/README.md" }

-- The first command of a block, without its comment -> what runs it.
local elsewhere = {
    ["make test"] = ".ci/run",
    ["make kamailio"] = "tests/e2e/kamailio/kamailio_examples_test.lua", -- that make run-kamailio works
    ["make deb"] = "tests/support/deb/inside.sh", -- by make test-deb
}

local function execute(command)
    assert(os.execute(command), command)
end

-- The commands of each block, a list of lists; a line that ends in \ goes on.
local function blocks(path)
    local list = {}
    for block in ("\n" .. read(path)):gmatch "\n```sh\n(.-)\n```" do
        local commands = {}
        for line in (block:gsub("\\\n%s*", "") .. "\n"):gmatch "([^\n]+)\n" do
            commands[#commands + 1] = line
        end
        list[#list + 1] = commands
    end
    return list
end

-- A capture of one call that is answered with 486, as tcpdump writes it (raw IPv4).
local function capture()
    local function ip(source, destination, text)
        local udp = string.pack(">I2I2I2I2", source, destination, 8 + #text, 0) .. text
        return string.pack(">BBI2I2I2BBI2I4I4", 0x45, 0, 20 + #udp, 0, 0, 64, 17, 0, 0x7f000001, 0x7f000001) .. udp
    end
    local fields = "Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bKone\r\nFrom: <sip:alice@example.com>;tag=a\r\n" ..
        "To: <sip:bob@example.com>%s\r\nCall-ID: one\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
    local packets = {
        ip(5070, 5060, "INVITE sip:bob@example.com SIP/2.0\r\nMax-Forwards: 70\r\n" .. fields:format ""),
        ip(5060, 5070, "SIP/2.0 486 Busy Here\r\n" .. fields:format ";tag=b"),
    }
    local out = { string.pack("<I4I2I2I4I4I4I4", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101) }
    for index, packet in ipairs(packets) do
        out[#out + 1] = string.pack("<I4I4I4I4", index, 0, #packet, #packet) .. packet
    end
    return table.concat(out)
end

-- A tree like the project's, whose build/ holds a copy of what has been built for the tests: make may build it anew.
local function tree(t)
    local folder = temporary.path()
    execute("mkdir -p " .. folder .. "/build " .. folder .. "/tmp " .. folder .. "/root")
    t:defer(function()
        execute("rm -rf " .. folder)
    end)
    local root = uv.cwd()
    local entries = { "module", "lua", "examples", "tests", "Makefile", "README.md", "CHANGELOG.md", "LICENSE" }
    for _, name in ipairs(entries) do
        assert(uv.fs_symlink(root .. "/" .. name, folder .. "/" .. name))
    end
    local objects = os.getenv "REFLOW_OBJ" or "build/sanitize"
    execute(("mkdir %s/build/sanitize && cp -a %s/module %s/reflow %s/reflow.so %s/build/sanitize"):format(folder,
        objects, objects, objects, folder))
    for _, name in ipairs { "reflow", "reflow.so" } do
        assert(uv.fs_symlink("sanitize/" .. name, folder .. "/build/" .. name))
    end
    write(folder .. "/last-night.pcap", capture())
    execute(("cp examples/policies/log_failed_flows.lua %s/old.lua"):format(folder))
    write(folder .. "/new.lua", 'sip_on_response(486, function() return sip_relay "sip:voicemail@127.0.0.1" end)\n')
    local authority = certificates.new(t)
    local files = authority:sign("example", { names = "DNS:example.com" })
    execute(("cp %s %s/cert.pem && cp %s %s/key.pem"):format(files.certificate, folder, files.key, folder))
    return folder
end

local function moved(command, folder, ports)
    command = command:gsub("(%f[%w]%w-:?127%.0%.0%.1:)(%d+)", function(address, port)
        ports[port] = ports[port] or server.free_port()
        return address .. ports[port]
    end)
    command = command:gsub("^(build/reflow serve /tmp/site)", "%1 --listen udp:127.0.0.1:" .. ports["5060"] ..
        " --listen tcp:127.0.0.1:" .. ports["5060"])
    command = command:gsub("tests/e2e/call%.lua$", "%0 " .. ports["5060"])
    command = command:gsub("(make run)$", "%1 PORT=" .. ports["5060"]):gsub("(PORT=)5%d+", "%1" .. ports["5060"])
    command = command:gsub("%f[%w/]/var/tmp/", "/tmp/"):gsub("%f[%w/]/tmp/", folder .. "/tmp/")
    command = command:gsub("^sudo ", ""):gsub("^make install.*", "%0 DESTDIR=" .. folder .. "/root")
    command = command:gsub("1000000 %-%-capacity 10000", "20000 --capacity 200") -- which takes a sanitizer less time
    -- The module of this build knows a sanitizer, the interpreter does not.
    return (command:gsub("^LUA_CPATH", "LD_PRELOAD=$(gcc -print-file-name=libasan.so) LUA_CPATH"))
end

-- Exit statuses other than 0 that a manual's commands end with.
local function expected_status(command)
    return command:find "%-%-against old.lua" and 1 or 0
end

-- A server in the foreground: it starts, and ends after SIGTERM.
local function foreground(command, index)
    return ("%s >out%d 2>&1 & server=$!\n" ..
        "until grep -q 'serving with' out%d || ! kill -0 $server; do sleep 0.05; done; " ..
        "cat out%d; kill $server; wait $server; " ..
        "grep -q 'serving with' out%d"):format(command, index, index, index, index)
end

local function is_foreground(command)
    return (command:find "^build/reflow serve " or command:find "^make run") and not command:find "&$"
        and not command:find "%-%-help"
end

local function script(path, folder, ports)
    local lines, commands = { "set -m; exec 2>&1" }, {}
    for _, block in ipairs(blocks(path)) do
        for _, command in ipairs(elsewhere[block[1]:gsub("%s*#.*", "")] and {} or block) do
            local own = moved(command, folder, ports)
            commands[#commands + 1] = command
            local text = is_foreground(own) and foreground(own, #commands) or own
            lines[#lines + 1] = ("echo '@@ begin %d'\n%s\necho \"@@ end %d $?\""):format(#commands, text, #commands)
        end
    end
    return table.concat(lines, "\n") .. "\n", commands
end

local function run(t, path)
    local folder = tree(t)
    local ports = { ["5060"] = server.free_port() }
    local text, commands = script(path, folder, ports)
    write(folder .. "/commands.sh", text)
    local pipe = assert(io.popen(("cd %s && MODE=sanitize BUILD=build TMPDIR=%s/tmp bash commands.sh 2>&1")
        :format(folder, folder)))
    local output = pipe:read "a"
    pipe:close()
    return commands, output, folder
end

test("what runs the commands that are not run here is there", function(t)
    for command, path in pairs(elsewhere) do
        t:ok(#read(path) > 0, command)
    end
end)

for _, path in ipairs(manuals) do
    test("the commands of " .. path .. " work as written", function(t)
        local commands, output, folder = run(t, path)
        local installed = false
        for index, command in ipairs(commands) do
            local told, status = output:match(("@@ begin %d\n(.-)@@ end %d (%%d+)\n"):format(index, index))
            t:ok(status, "not reached: " .. command .. "\n" .. output:sub(-2000))
            t:equal(tonumber(status), expected_status(command), command .. "\n" .. told:sub(-2000))
            t:ok(not told:find "Sanitizer", told)
            if command:find "make install PREFIX" then
                for _, page in ipairs { "man1/reflow.1", "man8/reflow-serve.8", "man7/reflow-policy.7" } do
                    t:match(read(folder .. "/root" .. "/usr/local/share/man/" .. page), "\n%.SH NAME\n")
                end
                t:ok(read(folder .. "/root" .. "/usr/local/share/reflow/examples/tenants/site.lua"))
                installed = true
            end
        end
        t:ok(installed or path ~= "README.md", "README.md installs nothing")
    end)
end

-- Each file and folder below, a line each.
local function listing(folder)
    local pipe <close> = assert(io.popen(("cd %s && find . -printf '%%p %%m %%l\\n' | LC_ALL=C sort"):format(folder)))
    return pipe:read "a"
end

test("make uninstall undoes make install, also after a second one, and leaves what others have put there", function(t)
    local folder = tree(t)
    local root = folder .. "/root"
    local function make(arguments)
        execute(("cd %s && MODE=sanitize make -s --no-print-directory %s DESTDIR=%s PREFIX=/usr/local >log 2>&1")
            :format(folder, arguments, root))
    end
    execute(("cd %s && mkdir -p usr/local/share/reflow/own usr/local/bin"):format(root))
    write(root .. "/usr/local/bin/other", "")
    local before = listing(root)
    make "install"
    t:match(listing(root), "%./usr/local/bin/reflow 755")
    make "install"
    make "uninstall"
    t:equal(listing(root), before)
    make "uninstall"
    t:match(read(folder .. "/log"), "Nothing to remove")
end)

test("a file of a Debian package is neither replaced nor removed", function(t)
    local folder = tree(t)
    local file = folder .. "/there/reflow.so"
    execute(("mkdir -p %s/bin %s/stage%s/there %s/there"):format(folder, folder, folder, folder))
    write(folder .. "/stage" .. file, "ours")
    local function installed(arguments)
        return os.execute(("PATH=%s/bin:$PATH sh module/packaging/installed.sh %s >%s/log 2>&1")
            :format(folder, arguments, folder))
    end
    local list = folder .. "/there/installed"
    local put = ("put %s/stage '' %s"):format(folder, list)
    write(folder .. "/bin/dpkg-query", "#!/bin/sh\nexit 1\n")
    execute(("chmod 755 %s/bin/dpkg-query"):format(folder))
    t:ok(installed(put))
    -- The package is installed over it.
    write(folder .. "/bin/dpkg-query", ('#!/bin/sh\ncase "$*" in *%s*) echo "other:amd64: %s" ;; esac\n')
        :format(file, file))
    write(file, "theirs")
    t:ok(not installed(put))
    t:match(read(folder .. "/log"), "belongs to the package other%. Remove the package first%.")
    t:equal(read(file), "theirs")
    t:ok(installed("remove '' " .. list))
    t:match(read(folder .. "/log"), "stays: it belongs to a Debian package")
    t:equal(read(file), "theirs")
    t:ok(not uv.fs_stat(list))
end)

tap.done()
