-- SPDX-License-Identifier: BSD-2-Clause
-- Installing packages changes nothing else, and a Kamailio that was built from source is respected: the scripts behind
-- `make packages-...` and `make kamailio`, with programs of the system that are stand-ins.
local tap = require "tap"
local temporary = require "temporary"
local write = require("file").write

local test = tap.test

local function read(path)
    local file <close> = io.open(path, "rb")
    return file and file:read "a"
end

-- A folder with stand-ins in front of PATH; every call of one is a line of `log`.
local function machine(t)
    local self = { folder = temporary.path() }
    assert(os.execute("mkdir -p " .. self.folder .. "/bin " .. self.folder .. "/installed"))
    t:defer(function()
        os.execute("rm -r " .. self.folder)
    end)
    self.policy, self.log = self.folder .. "/policy-rc.d", self.folder .. "/log"
    write(self.log, "")
    function self.program(name, text)
        local path = ("%s/bin/%s"):format(self.folder, name)
        write(path, ("#!/bin/sh\necho \"%s $*\" >>'%s'\n%s\n"):format(name, self.log, text or ""))
        assert(os.execute("chmod 755 " .. path))
        return path
    end
    self.program("id", "echo 0")
    self.program("deb-systemd-helper")
    self.program("update-rc.d")
    self.program("dpkg-query", ([[
for last; do :; done
case $1 in
-W) if [ -e '%s/installed/'$last ]; then echo installed; else exit 1; fi ;;
-L) printf '/lib/systemd/system/%%s.service\n/lib/systemd/system/%%s@.service\n/etc/init.d/%%s\n' $last $last $last ;;
*) exit 1 ;;
esac]]):format(self.folder))
    -- It notes the policy under which it installs.
    self.program("apt-get", ([[
case "$*" in
*install*)
    "%s" x start >>'%s'; echo "policy $?" >>'%s'; for last; do :; done; touch '%s/installed/'$last; eval "$APT_END" ;;
esac]]):format(self.policy, self.log, self.log, self.folder))
    -- Runs a command of this tree: whether it succeeded, what it printed. variables: "NAME=value ..."
    function self.run(command, variables)
        local environment = ("-u LD_PRELOAD -u KAMAILIO -u KAMAILIO_SOURCE PATH='%s/bin':\"$PATH\" " ..
            "REFLOW_POLICY_RC_D='%s' REFLOW_LOCK='%s/lock'"):format(self.folder, self.policy, self.folder)
        local pipe = assert(io.popen(("env %s %s %s 2>&1"):format(environment, variables or "", command)))
        local text = pipe:read "a"
        return pipe:close() == true, text
    end
    function self.logged()
        return read(self.log)
    end
    return self
end

local packages = "tests/support/packages.sh"

test("packages: a server that is installed is not started and is disabled", function(t)
    local m = machine(t)
    local fine, text = m.run(packages .. " kamailio")
    t:ok(fine, text)
    t:match(text, "Installing missing packages: kamailio")
    t:match(m.logged(), "policy 101")
    t:match(m.logged(), "deb%-systemd%-helper disable kamailio%.service\n")
    t:match(m.logged(), "update%-rc%.d kamailio disable\n")
    t:ok(not m.logged():find "kamailio@")
    t:equal(read(m.policy), nil)
end)

test("packages: a server that was there before is left as it is", function(t)
    local m = machine(t)
    write(m.folder .. "/installed/kamailio", "")
    t:ok(m.run(packages .. " kamailio sqlite3"))
    t:ok(not m.logged():find "disable kamailio", m.logged())
    t:match(m.logged(), "install .* sqlite3\n")
    write(m.log, "")
    t:ok(m.run(packages .. " kamailio sqlite3"))
    t:ok(not m.logged():find "apt%-get", m.logged())
end)

test("packages: the policy of the machine is afterwards as it was, also if the installation fails", function(t)
    local own = "#!/bin/sh\nexit 104\n"
    for _, ending in ipairs { "", "exit 100", "kill -TERM $PPID", "kill -INT $PPID", "kill -HUP $PPID" } do
        local m = machine(t)
        write(m.policy, own)
        assert(os.execute("chmod 755 " .. m.policy))
        local fine = m.run(packages .. " kamailio", ("APT_END='%s'"):format(ending))
        t:equal(read(m.policy), own)
        t:ok(fine or ending ~= "")
        t:match(m.logged(), "policy 101")
        t:match(m.logged(), "deb%-systemd%-helper disable kamailio%.service\n")
    end
end)

test("packages: what a killed installation left is put right by the next one", function(t)
    local m = machine(t)
    write(m.folder .. "/policy-rc.d.before-reflow", "#!/bin/sh\nexit 104\n")
    write(m.policy, "#!/bin/sh\n# Made by reflow for the time of an installation of: kamailio\nexit 101\n")
    write(m.folder .. "/installed/kamailio", "")
    t:ok(m.run(packages .. " sqlite3"))
    t:match(m.logged(), "deb%-systemd%-helper disable kamailio%.service\n")
    t:equal(read(m.policy), "#!/bin/sh\nexit 104\n")
end)

test("packages: two installations at once do not take each other's policy for the machine's", function(t)
    local m = machine(t)
    local fine, text = m.run(("sh -c '%s one & %s two && wait'"):format(packages, packages),
        ("APT_END='mkdir %s/busy || echo together; sleep 0.3; rmdir %s/busy'"):format(m.folder, m.folder))
    t:ok(fine, text)
    t:ok(not text:find "together", text)
    local _, installations = m.logged():gsub("policy 101", "")
    t:equal(installations, 2)
    t:equal(read(m.policy), nil)
    t:ok(read(m.folder .. "/installed/one") and read(m.folder .. "/installed/two"), text)
end)

-- --- Kamailio ---

local own_program = "tests/support/kamailio_program.sh"

test("kamailio: one that does not come from a package is found in PATH, and none is installed beside it", function(t)
    local m = machine(t)
    local path = m.program("kamailio", "echo 'version: kamailio 5.9.1 (x86_64/linux)'")
    local fine, text = m.run(own_program)
    t:ok(fine, text)
    t:equal(text, path .. "\n")
    fine, text = m.run(own_program .. " --own")
    t:ok(fine)
    t:equal(text, path .. "\n")
    fine, text = m.run(own_program .. " --own", "KAMAILIO=/usr/sbin/kamailio")
    t:ok(fine)
    -- The stand-in for dpkg-query knows no package of it.
    t:ok(text == "" or text == "/usr/sbin/kamailio\n", text)
    fine, text = m.run(own_program, "KAMAILIO=/nowhere/kamailio")
    t:ok(not fine)
    t:match(text, "KAMAILIO=/nowhere/kamailio: there is no such program")
end)

-- A folder that looks like the source of that version, as built.
local function source_tree(m, version)
    local folder = m.folder .. "/a source"
    assert(os.execute(("mkdir -p '%s/src/core'"):format(folder)))
    write(folder .. "/src/core/sr_module.h", "/* header */\n")
    write(folder .. "/src/config.mak", ("C_DEFS= -DVERSION='\"%s\"' -DOWN_FLAG\n"):format(version))
    return folder
end

test("kamailio: the headers and flags are those of the source that it was built from", function(t)
    local m = machine(t)
    m.program("kamailio", "echo 'version: kamailio 5.9.1 (x86_64/linux)'")
    local source, dir = source_tree(m, "5.9.1"), m.folder .. "/out put"
    local script = ("tests/support/kamailio_source.sh '%s'"):format(dir)
    local fine, text = m.run(script, ("KAMAILIO_SOURCE='%s'"):format(source))
    t:ok(fine, text)
    t:match(read(dir .. "/flags"), "%-DOWN_FLAG")
    t:equal(read(dir .. "/source/src/core/sr_module.h"), "/* header */\n")
    t:match(read(dir .. "/version"), "^5%.9%.1\n")
    t:ok(not m.logged():find "apt%-get")
end)

test("kamailio: without its source, with that of another version or with none, the error says what to do", function(t)
    local m = machine(t)
    m.program("kamailio", "echo 'version: kamailio 5.9.1 (x86_64/linux)'")
    local script = ("tests/support/kamailio_source.sh '%s/out'"):format(m.folder)
    local fine, text = m.run(script, "KAMAILIO_SOURCE=")
    t:ok(not fine)
    t:match(text, "bin/kamailio %(Kamailio 5%.9%.1%) does not come from a Debian package%. Name the source")
    fine, text = m.run(script, "KAMAILIO_SOURCE=/nowhere")
    t:ok(not fine)
    t:match(text, "KAMAILIO_SOURCE=/nowhere: there is no source of Kamailio")
    fine, text = m.run(script, ("KAMAILIO_SOURCE='%s'"):format(source_tree(m, "5.8.0")))
    t:ok(not fine)
    t:match(text, "The source is that of Kamailio 5%.8%.0, but .*/kamailio is Kamailio 5%.9%.1")
    t:equal(read(m.folder .. "/out/flags"), nil)
end)

local printed = [[
version: kamailio 6.1.4 (x86_64/Linux) 8ba646
flags: USE_TCP, USE_TLS, Q_MALLOC, USE_FUTEX-NOSMP, TLS_PTHREAD_MUTEX_SHARED
ADAPTIVE_WAIT_LOOPS 1024, MAX_RECV_BUFFER_SIZE 262144
id: 8ba646
compiled with gcc 12.2.0
]]

-- As ver_defs.h of Kamailio: MEM_JOIN_FREE has a text, but is not compared.
local definitions = [[
#ifdef MEM_JOIN_FREE
#define MEM_JOIN_FREE_STR ", MEM_JOIN_FREE"
#endif
#define SER_COMPILE_FLAGS \
	USE_TCP_STR USE_TLS_STR USE_SCTP_STR Q_MALLOC_STR USE_FUTEX_STR FAST_LOCK_STR NOSMP_STR \
	KSR_PTHREAD_MUTEX_SHARED_STR
]]

-- A stand-in that prints that for -V, and a source whose own flags are others.
local function cmake_machine(t, version)
    local m = machine(t)
    write(m.folder .. "/printed", printed)
    m.program("kamailio", ("cat '%s/printed'"):format(m.folder))
    local source = source_tree(m, version)
    write(source .. "/src/core/ver_defs.h", definitions)
    return m, source
end

local function sorted(text)
    local words = {}
    for word in text:gmatch "%S+" do
        words[#words + 1] = word
    end
    table.sort(words)
    return table.concat(words, " ")
end

test("kamailio: system and flags are those that the program prints, not those of the source's makefiles", function(t)
    local m, source = cmake_machine(t, "6.1.4")
    write(source .. "/src/config.mak", "C_DEFS= -DNAME='\"kamailio\"' -DVERSION='\"6.1.4\"' -DARCH='\"x86_64\"' " ..
        "-DOS_QUOTED='\"linux\"' -DOWN_FLAG -DMEM_JOIN_FREE -DUSE_TCP " ..
        "-DUSE_SCTP -DFAST_LOCK -DADAPTIVE_WAIT -DUSE_FUTEX\n")
    local fine, text = m.run(("tests/support/kamailio_source.sh '%s/out'"):format(m.folder),
        ("KAMAILIO_SOURCE='%s'"):format(source))
    t:ok(fine, text)
    t:equal(sorted(read(m.folder .. "/out/flags")), sorted [[-DARCH='"x86_64"' -DKSR_PTHREAD_MUTEX_SHARED
        -DMEM_JOIN_FREE -DNAME='"kamailio"' -DNOSMP -DOS_QUOTED='"Linux"' -DOWN_FLAG -DQ_MALLOC -DUSE_FUTEX -DUSE_TCP
        -DUSE_TLS -DVERSION='"6.1.4"']])
end)

test("kamailio: the definitions are those of the folder in which CMake has built the source", function(t)
    for _, build in ipairs { { "src/CMakeFiles/kamailio.dir/flags.make", "C_FLAGS = -O2\nC_DEFINES = %s\n" },
        { "build.ninja", "build src/CMakeFiles/other.dir/a.c.o: C_COMPILER\n  DEFINES = -DWRONG\n\n" ..
            "build src/CMakeFiles/kamailio.dir/main.c.o: C_COMPILER ../main.c\n  DEFINES = %s\n  FLAGS = -O2\n\n" } } do
        local m, source = cmake_machine(t, "5.8.0") -- a config.mak that somebody has left there
        local path = source .. "/a build/" .. build[1]
        assert(os.execute(("mkdir -p '%s'"):format(path:match "(.*)/")))
        write(path, build[2]:format [[-DOF_CMAKE -DUSE_SCTP -DVERSION=\"6.1.4\"]])
        local fine, text = m.run(("tests/support/kamailio_source.sh '%s/out'"):format(m.folder),
            ("KAMAILIO_SOURCE='%s'"):format(source))
        t:ok(fine, text)
        t:equal(sorted(read(m.folder .. "/out/flags")), sorted [[-DARCH='"x86_64"' -DKSR_PTHREAD_MUTEX_SHARED
            -DNAME='"kamailio"' -DNOSMP -DOF_CMAKE -DOS_QUOTED='"Linux"' -DQ_MALLOC -DUSE_FUTEX -DUSE_TCP -DUSE_TLS
            -DVERSION='"6.1.4"']])
    end
end)

test("kamailio: of the lists of flags in a program, the shortest is the one that it compares", function(t)
    local m = machine(t)
    local compared = "USE_TCP, USE_TLS, PKG_MALLOC, Q_MALLOC, USE_FUTEX"
    local all = "USE_TCP, USE_TLS, PKG_MALLOC, Q_MALLOC, DBG_QM_MALLOC, USE_FUTEX"
    local path = m.program("kamailio", ([[
echo 'version: kamailio 6.1.4 (x86_64/Linux)'; echo 'flags: %s'; exit
%s
%s]]):format(all, all, compared))
    local fine, text = m.run("tests/support/kamailio_identity.sh " .. path)
    t:ok(fine, text)
    t:equal(text, "version: kamailio 6.1.4 (x86_64/Linux)\nflags: " .. compared .. "\n")
end)

test("kamailio: a program that is built anew with other flags is noticed", function(t)
    local m, source = cmake_machine(t, "6.1.4")
    local script = ("tests/support/kamailio_source.sh '%s/out'"):format(m.folder)
    local variables = ("KAMAILIO_SOURCE='%s'"):format(source)
    t:ok(m.run(script, variables))
    write(m.folder .. "/out/flags", "kept\n")
    t:ok(m.run(script, variables))
    t:equal(read(m.folder .. "/out/flags"), "kept\n")
    write(m.folder .. "/printed", (printed:gsub("USE_TLS", "USE_SCTP")))
    t:ok(m.run(script, variables))
    t:match(read(m.folder .. "/out/flags"), "%-DUSE_SCTP")
end)

-- Debian's Kamailio, as far as these scripts can see.
local function debian_machine(t, version)
    local m = cmake_machine(t, version)
    m.program("dpkg-query", "case $1 in -S) exit 0 ;; *) echo 6.1.4-1 ;; esac")
    return m
end

test("kamailio: beside Debian's, the module is compiled for another source, whose version is printed", function(t)
    local m = debian_machine(t, "5.8.0")
    local source, out = m.folder .. "/a source", m.folder .. "/out"
    m.program("make") -- it would configure the source
    local fine, text = m.run(("tests/support/kamailio_source.sh '%s'"):format(out),
        ("KAMAILIO_SOURCE='%s'"):format(source))
    t:ok(fine, text)
    t:match(read(out .. "/version"), "^5%.8%.0\n")
    t:match(read(out .. "/flags"), "5%.8%.0")
    write(out .. "/reflow.so", "\0kamailio 5.8.0 (x86_64/linux)\0USE_TCP\0")
    local fits = "tests/support/kamailio_fits.sh %s '" .. out .. "'"
    fine, text = m.run(fits:format "")
    t:ok(fine, text)
    t:match(text, "out/reflow%.so, for Kamailio 5%.8%.0\n")
    t:match(text, "It is not for .*kamailio, which is kamailio 6%.1%.4: that program refuses to load it")
    t:ok(not m.run(fits:format "--strict"))
    fine, text = m.run(("tests/support/kamailio_source.sh '%s'"):format(out),
        ("KAMAILIO_SOURCE='%s' KAMAILIO='%s/bin/kamailio'"):format(source, m.folder))
    t:ok(not fine)
    t:match(text, "The source is that of Kamailio 5%.8%.0, but .*/kamailio is Kamailio 6%.1%.4")
end)

test("kamailio: a module with the version but not the flags of the program is not one for it", function(t)
    local m = cmake_machine(t, "6.1.4")
    local flags = printed:match "flags: ([^\n]*)"
    local fits = ("tests/support/kamailio_fits.sh '%s'"):format(m.folder)
    write(m.folder .. "/version", "6.1.4\n")
    for module, expected in pairs { [("\0kamailio 6.1.4 (x86_64/Linux)\0%s\0"):format(flags)] = true,
        [("\0kamailio 6.1.4 (x86_64/linux)\0%s\0"):format(flags)] = false,
        ["\0kamailio 6.1.4 (x86_64/Linux)\0USE_TCP, USE_TLS\0"] = false } do
        write(m.folder .. "/reflow.so", module)
        local fine, text = m.run(fits)
        t:equal(fine, expected, text)
    end
end)

-- --- the manual of the module, where it is installed ---

-- The relative links of a text in Markdown, without what follows a "#".
local function links(text)
    local list = {}
    for target in text:gmatch "%]%(([^)#]*)[^)]*%)" do
        if target ~= "" and not target:find "^%a+:" then
            list[#list + 1] = target
        end
    end
    return list
end

test("manual: its links lead to what is installed beside it", function(t)
    local folder, count = temporary.path(), 0
    t:defer(function()
        os.execute("rm -r " .. folder)
    end)
    local command = "mkdir -p '%s' && cp module/kamailio/COPYING '%s' && cp -r examples/kamailio '%s/examples'"
    assert(os.execute(command:format(folder, folder, folder)))
    for _, name in ipairs { "README.md", "OWN.md" } do
        assert(os.execute(("module/packaging/manual_links.sh module/kamailio/%s >'%s/%s'"):format(name, folder, name)))
    end
    for _, name in ipairs { "README.md", "OWN.md" } do
        local text, source = read(folder .. "/" .. name), read("module/kamailio/" .. name)
        for _, target in ipairs(links(text)) do
            count = count + 1
            local found <close> = io.open(folder .. "/" .. target)
            t:ok(found, name .. ": " .. target)
        end
        -- Nothing but links has changed.
        local function plain(markdown)
            return (markdown:gsub("%[([^%[%]]*)%]%([^)]*%)", "%1"))
        end
        t:equal(plain(text), plain(source))
    end
    t:ok(count >= 7, count)
end)

tap.done()
