-- SPDX-License-Identifier: BSD-2-Clause
-- `reflow user` as a process: the users file, exit statuses, and what it refuses.
local sip = require "reflow"
local tap = require "tap"
local temporary = require "temporary"
local read = require("file").read
local write = require("file").write

local reflow = os.getenv "REFLOW_BIN" or "build/reflow"
local test = tap.test

-- Standard output, standard error, exit status of a shell command; $reflow is the program, $file the users file.
local function run(path, command)
    local name = temporary.path()
    local pipe = assert(io.popen(("reflow='%s' file='%s'; { %s; } 2>%s"):format(reflow, path, command, name)))
    local out = pipe:read "a"
    local _, _, status = pipe:close()
    local file = assert(io.open(name))
    local err = file:read "a"
    file:close()
    os.remove(name)
    return out, err, status
end

local function path_for(t)
    local path = temporary.path()
    t:defer(function()
        os.remove(path)
        os.remove(path .. "-journal")
    end)
    return path
end

local function equal(t, path, command, out, err, status)
    local got_out, got_err, got_status = run(path, command)
    t:equal(got_out, out, command)
    t:equal(got_err, err, command)
    t:equal(got_status, status, command)
end

test("users are added, listed in order and removed", function(t)
    local path = path_for(t)
    for _, aor in ipairs { "bob@example.com", "alice@example.com", "Carol@a.example" } do
        equal(t, path, ("echo secret | $reflow user add %s --users $file"):format(aor), "", "", 0)
    end
    equal(t, path, "$reflow user list --users $file", "Carol@a.example\nalice@example.com\nbob@example.com\n", "", 0)
    equal(t, path, "$reflow user remove alice@example.com --users=$file", "", "", 0)
    equal(t, path, "$reflow user list --users $file", "Carol@a.example\nbob@example.com\n", "", 0)
end)

test("a user who differs only in case from another is added with --case-sensitive alone", function(t)
    local path = path_for(t)
    equal(t, path, "echo secret | $reflow user add Bob@example.com --users $file", "", "", 0)
    equal(t, path, "echo secret | $reflow user add bob@Example.com --users $file", "",
        "reflow user: bob@example.com: it differs only in case from Bob@example.com; see --case-sensitive\n", 1)
    equal(t, path, "echo secret | $reflow user add bob@example.com --case-sensitive --users $file", "", "", 0)
    equal(t, path, "$reflow user list --users $file", "Bob@example.com\nbob@example.com\n", "", 0)
end)

test("adding an existing user, and changing or removing a missing one, is status 1", function(t)
    local path = path_for(t)
    run(path, "echo secret | $reflow user add alice@example.com --users $file")
    local before = read(path)
    equal(t, path, "echo other | $reflow user add alice@example.com --users $file", "",
        "reflow user: alice@example.com: this user exists; reflow user passwd changes the password\n", 1)
    equal(t, path, "echo other | $reflow user passwd bob@example.com --users $file", "",
        "reflow user: bob@example.com: there is no such user\n", 1)
    equal(t, path, "$reflow user remove bob@example.com --users $file", "",
        "reflow user: bob@example.com: there is no such user\n", 1)
    t:equal(read(path), before, "the file has changed")
end)

test("the file holds HA1 of both usernames for each algorithm, and never the password", function(t)
    local path = path_for(t)
    run(path, "echo 'pass word' | $reflow user add sip:Alice@EXAMPLE.com. --users $file")
    local bytes = read(path)
    for _, algorithm in ipairs { "MD5", "SHA-256", "SHA-512-256" } do
        for _, name in ipairs { "Alice", "Alice@example.com" } do
            local ha1 = sip.digest(algorithm, name .. ":example.com:pass word")
            t:ok(bytes:find(ha1, 1, true), algorithm .. " " .. name)
        end
    end
    t:equal(bytes:find("pass word", 1, true), nil)
    run(path, "echo changed | $reflow user passwd Alice@example.com --users $file")
    bytes = read(path)
    t:ok(bytes:find(sip.digest("MD5", "Alice:example.com:changed"), 1, true))
    t:equal(bytes:find(sip.digest("MD5", "Alice:example.com:pass word"), 1, true), nil, "the old secret remains")
    run(path, "$reflow user remove Alice@example.com --users $file")
    t:equal(read(path):find(sip.digest("MD5", "Alice:example.com:changed"), 1, true), nil, "a removed secret remains")
end)

test("5954-4.a AORs are the same as the server compares them", function(t)
    local path = path_for(t)
    run(path, "echo x | $reflow user add 'bob@[2001:DB8:0::1]' --users $file")
    t:equal(run(path, "$reflow user list --users $file"), "bob@[2001:db8::1]\n")
    for _, same in ipairs { "bob@2001:db8::1", "sip:bob@[2001:db8:0:0::1]", "%62ob@[2001:db8::1]" } do
        local _, _, status = run(path, ("echo x | $reflow user add '%s' --users $file"):format(same))
        t:equal(status, 1, same)
    end
    for option, status in pairs { [""] = 1, ["--case-sensitive"] = 0 } do
        local _, _, other = run(path, ("echo x | $reflow user add 'Bob@[2001:db8::1]' %s --users $file"):format(option))
        t:equal(other, status, "the user part in another case " .. option)
        run(path, "$reflow user remove 'Bob@[2001:db8::1]' --users $file")
    end
end)

test("what is no AOR is refused with the reason", function(t)
    local path = path_for(t)
    for aor, why in pairs {
        [""] = "it is empty",
        ["bob"] = "it has no user part: expected USER@DOMAIN",
        ["@example.com"] = "it is not USER@DOMAIN",
        ["bob@"] = "it is not USER@DOMAIN",
        ["bob@a@b"] = "it is not USER@DOMAIN",
        ["bob@-x"] = "its domain is not a host name or an IP address",
        ["bob@[::1"] = "it is not USER@DOMAIN",
        ["bob:secret@example.com"] = "it has a scheme other than sip:, or a password",
        ["tel:+1@example.com"] = "it has a scheme other than sip:, or a password",
        ["bob@example.com:5060"] = "it has a port",
        ["bob@example.com;x=y"] = "it has parameters or headers",
        ["bob@example.com?x=y"] = "it has parameters or headers",
        ["<sip:bob@example.com>"] = 'it has one of the characters < > " \\ ,',
        ["bob smith@example.com"] = "it has a space, a control character or a byte that is not ASCII",
        ["b\xc3\xb3b@example.com"] = "it has a space, a control character or a byte that is not ASCII",
        [("b"):rep(600) .. "@example.com"] = "it is too long",
    } do
        equal(t, path, ("echo x | $reflow user add '%s' --users $file"):format(aor), "",
            ("reflow user: '%s': %s\n"):format(aor, why), 2)
    end
    t:equal(io.open(path), nil, "a file was created")
end)

test("a password is one line of standard input, with LF, CR LF or neither", function(t)
    local path = path_for(t)
    for user, bytes in pairs { lf = "secret\\n", crlf = "secret\\r\\n", neither = "secret" } do
        run(path, ("printf '%s' | $reflow user add %s@example.com --users $file"):format(bytes, user))
        t:ok(read(path):find(sip.digest("SHA-256", user .. ":example.com:secret"), 1, true), user)
    end
    local empty = "the password is empty"
    local control = "the password has a control character"
    for bytes, why in pairs {
        [""] = empty, ["\\n"] = empty, ["\\r\\n"] = empty, ["a\\000b\\n"] = control, ["a\\tb"] = control,
        ["a\\rb\\n"] = control, ["a\\nb\\n"] = "there is more than one line on standard input",
        [("x"):rep(1025)] = "the password is longer than 1024 bytes",
    } do
        equal(t, path, ("printf '%s' | $reflow user add none@example.com --users $file"):format(bytes), "",
            "reflow user: " .. why .. "\n", 2)
    end
    local _, _, longest = run(path, ("printf '%s' | $reflow user add long@example.com --users $file"):format(
        ("x"):rep(1024)))
    t:equal(longest, 0)
    t:equal(run(path, "$reflow user list --users $file"):find("none", 1, true), nil)
end)

test("usage errors are status 2 and name no argument that may be a password", function(t)
    local path = path_for(t)
    for command, why in pairs {
        ["$reflow user"] = "expected: add, remove, passwd or list (see reflow user --help)",
        ["$reflow user del x@y --users $file"] = "expected: add, remove, passwd or list (see reflow user --help)",
        ["$reflow user add --users $file"] = "expected: add AOR (see reflow user --help)",
        ["$reflow user list"] = "--users FILE is missing",
        ["$reflow user list x --users $file"] = "'x' is one argument too many (see reflow user --help)",
        ["$reflow user add x@y secret --users $file"] =
            "one argument too many; the password is read from the terminal or standard input",
        ["$reflow user list --user $file"] = "unknown option '--user' (see reflow user --help)",
    } do
        equal(t, path, command .. " </dev/null", "", "reflow user: " .. why .. "\n", 2)
    end
    t:equal(io.open(path), nil, "a file was created")
end)

test("the file is private whatever the umask is", function(t)
    for _, mask in ipairs { "000", "777" } do
        local path = path_for(t)
        local _, err = run(path, ("umask %s; echo x | $reflow user add a@b --users $file"):format(mask))
        t:equal(err, "")
        t:equal(run(path, "stat -c %a $file"), "600\n")
    end
end)

test("a file of something else is refused without a change", function(t)
    local path = path_for(t)
    run(path, "sqlite3 $file 'CREATE TABLE other(x)'")
    local database = read(path)
    for _, bytes in ipairs { database, "return 'my own script'\n", ("x"):rep(5000) } do
        write(path, bytes)
        for _, words in ipairs { "add a@b", "passwd a@b", "remove a@b", "list" } do
            equal(t, path, ("echo x | $reflow user %s --users $file"):format(words), "",
                ("reflow user: %s: it is not a users file\n"):format(path), 2)
        end
        t:equal(read(path), bytes, "the file has changed")
    end
end)

test("missing, linked and odd files are refused", function(t)
    local path = path_for(t)
    local missing = ("reflow user: %s: No such file or directory; reflow user add creates it\n"):format(path)
    for _, words in ipairs { "passwd a@b", "remove a@b", "list" } do
        equal(t, path, ("echo x | $reflow user %s --users $file"):format(words), "", missing, 2)
    end
    local target = path_for(t)
    run(path, ("ln -s %s $file"):format(target))
    equal(t, path, "echo x | $reflow user add a@b --users $file", "",
        ("reflow user: %s: it is a symbolic link; name the file itself\n"):format(path), 2)
    t:equal(io.open(target), nil, "the link was followed")
    os.remove(path)
    run(path, "mkfifo $file")
    equal(t, path, "echo x | $reflow user add a@b --users $file", "",
        ("reflow user: %s: it is not a file\n"):format(path), 2)
end)

test("a file of a later version, and a damaged one, are refused without a change", function(t)
    local path = path_for(t)
    run(path, "echo x | $reflow user add a@b --users $file; sqlite3 $file 'PRAGMA user_version=2'")
    local later = read(path)
    equal(t, path, "echo x | $reflow user add c@d --users $file", "",
        ("reflow user: %s: its format is 2, this version reads format 1\n"):format(path), 2)
    t:equal(read(path), later)
    local damaged = later:sub(1, 100) .. ("\xff"):rep(#later - 100)
    write(path, damaged)
    local _, err, status = run(path, "echo x | $reflow user add c@d --users $file")
    t:equal(status, 2)
    t:match(err, "^reflow user: [^\n]+\n$")
    t:equal(read(path), damaged)
end)

test("adds at the same time, to a file that does not exist yet, all count", function(t)
    local path = path_for(t)
    local commands = {}
    for i = 1, 12 do
        commands[#commands + 1] = ("{ echo x | $reflow user add user%02d@example.com --users $file; } &"):format(i)
    end
    equal(t, path, table.concat(commands, " ") .. " wait", "", "", 0)
    local listed = run(path, "$reflow user list --users $file")
    t:equal(select(2, listed:gsub("\n", "")), 12)
end)

test("a change that does not fit on the disk is refused and leaves the file as it was", function(t)
    local path = path_for(t)
    run(path, "echo x | $reflow user add a@b --users $file")
    local before = read(path)
    -- A file of this process may have no more bytes than the users file has now; the signal is ignored.
    local many = {}
    for i = 1, 12 do
        many[#many + 1] = ("echo x | $reflow user add user%02d@%s.example --users $file || echo refused"):format(i,
            ("d"):rep(60))
    end
    local out, err = run(path, ("(trap '' XFSZ; ulimit -f %d; %s)"):format(#before // 512, table.concat(many, "; ")))
    t:match(out, "refused\n")
    t:match(err, "reflow user: [^\n]*\n")
    local listed, errors, status = run(path, "$reflow user list --users $file")
    t:equal(status, 0, errors)
    t:match(listed, "a@b\n")
end)

tap.done()
