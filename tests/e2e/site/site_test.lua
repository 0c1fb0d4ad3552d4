-- SPDX-License-Identifier: BSD-2-Clause
-- `reflow site` as a process: what it writes, what it refuses, and what is left where it fails.
local tap = require "tap"
local temporary = require "temporary"
local read = require("file").read

local test = tap.test
local reflow = os.getenv "REFLOW_BIN" or "build/reflow"

-- Standard output, standard error and exit status of a shell command; $reflow is the program.
local function run(command)
    local name = temporary.path()
    local pipe = assert(io.popen(("reflow=$(realpath '%s'); { %s; } 2>%s"):format(reflow, command, name)))
    local out = pipe:read "a"
    local _, _, status = pipe:close()
    local file = assert(io.open(name))
    local err = file:read "a"
    file:close()
    os.remove(name)
    return out, err, status
end

-- A folder for the sites of one test.
local function folder(t)
    local path = temporary.path()
    assert(os.execute("mkdir " .. path))
    t:defer(function() os.execute("rm -rf " .. path) end)
    return path
end

local function list(path)
    local out = run(("cd %s && find . ! -name . | LC_ALL=C sort"):format(path))
    return out
end

local function refused(t, command, why, status)
    local out, err, got = run(command)
    t:match(err, why)
    t:equal(select(2, err:gsub("\n", "")), 1, "lines on standard error")
    t:equal(out, "")
    t:equal(got, status or 2)
end

-- The ids of all scenes.
local function scenes()
    local ids = {}
    for id in run("cat lua/reflow/site/scenes/*.lua"):gmatch 'id = "([%w-]+)", codes' do ids[#ids + 1] = id end
    assert(#ids >= 24, "scenes: " .. #ids)
    return ids
end

-- codes.json is JSON, and the manual describes each of its members.
local function check_data(t, path)
    local script = [[
const data = JSON.parse(require("fs").readFileSync(process.argv[1]));
const names = new Set();
const walk = (value) => {
    if (Array.isArray(value)) value.forEach(walk);
    else if (value && typeof value === "object") Object.entries(value).forEach(([name, each]) => {
        names.add(name);
        walk(each);
    });
};
walk(data);
const flow = data.codes.find(({ code }) => code === 430);
console.log(data.codes.length, data.pairs.length, flow.phrase, flow.text.es.gist.length > 10,
    flow.related.includes(486));
console.log([...names].sort().join(" "));
]]
    local out, err, status = run(("node -e '%s' %s"):format(script, path))
    t:equal(err, "")
    t:equal(status, 0)
    t:match(out, "^75 %d+ Flow Failed true true\n")
    local manual = read "module/cli/README.md"
    for name in out:match("\n(.*)\n"):gmatch "%S+" do
        t:ok(manual:find("`" .. name .. "`", 1, true), "the manual does not describe `" .. name .. "`")
    end
end

test("the site has every page in every language, and every link of every page leads to a file", function(t)
    local root = folder(t)
    local out, err, status = run(("$reflow site %s/new --base-url https://example.com/sip"):format(root))
    t:equal(err, "")
    t:equal(status, 0)
    t:match(out, "/new: %d+ files\n$")
    local files, pages, pictures = {}, 0, {}
    local without = dofile "lua/reflow/site/scenes/without.lua".rules
    for path in list(root .. "/new"):gmatch "%./([^\n]+)\n" do files[path] = true end
    for _, lang in ipairs { "en", "es" } do
        for _, path in ipairs { "", "430/", "200-vs-430/", "100-vs-608/", "rules/", "rules/5626-7.c/" } do
            t:ok(files[lang .. "/" .. path .. "index.html"], lang .. "/" .. path)
        end
    end
    local broken = {}
    for path in pairs(files) do
        if path:find "%.html$" then
            local bytes = read(root .. "/new/" .. path)
            pages = pages + 1
            t:at_most(#bytes, path:find "decide" and 250000 or 60000, path) -- decide/ carries the core
            local rule = path:match "/rules/([^/]+)/"
            if rule and not without[rule] then t:ok(bytes:find("<svg", 1, true), path .. " has a picture") end
            for id in bytes:gmatch '<svg[^>]* aria%-labelledby="([%w-]+)%-title ' do pictures[id] = true end
            for link in bytes:gmatch '[%s]href="([^"]*)"' do
                if not link:find "^https://" and not link:find "^#" and link ~= "data:," then
                    local whole = (path:match "^(.*/)" or "") .. link:gsub("#.*", "")
                    local count
                    repeat whole, count = whole:gsub("[^/]+/%.%./", "", 1) until count == 0
                    if not files[whole] then broken[#broken + 1] = path .. " -> " .. link end
                end
            end
        end
    end
    t:equal(table.concat(broken, "\n", 1, math.min(#broken, 10)), "")
    t:ok(pages > 2 * (2775 + 75 + 100), pages)
    local missing = {}
    for _, scene in ipairs(scenes()) do
        if not pictures[scene] then missing[#missing + 1] = scene end
    end
    t:equal(table.concat(missing, " "), "", "scenes without a page")
    check_data(t, root .. "/new/codes.json")
end)

test("the same arguments give the same bytes; an older site is replaced as a whole, or not at all", function(t)
    local root = folder(t)
    local twice = "cd %s && $reflow site a --lang en && $reflow site b --lang en && diff -r a b && rm -r b"
    local _, err, status = run(twice:format(root))
    t:equal(err, "")
    t:equal(status, 0)
    local before = list(root)
    -- No file may be longer than 25 kB, which the start page is.
    refused(t, ("bash -c 'trap \"\" XFSZ; ulimit -f 25; exec $0 site %s/a' $reflow"):format(root),
        "cannot write .*/a/en/index%.html: File too large %(nothing was changed there%)", 1)
    t:equal(list(root), before)
    run(("echo mine >%s/a/en/430/notes.txt"):format(root))
    refused(t, ("$reflow site %s/a --lang en"):format(root),
        "en/430/notes%.txt is not a file of the site in .*, so the site is not replaced")
    t:equal(read(root .. "/a/en/430/notes.txt"), "mine\n")
    run(("cd %s/a && rm en/430/notes.txt && ln -s /etc en/etc"):format(root))
    refused(t, ("$reflow site %s/a --lang en"):format(root), "en/etc is not a file of the site")
    _, err, status = run(("cd %s && rm a/en/etc && $reflow site a/ --lang es"):format(root))
    t:equal(err, "")
    t:equal(status, 0)
    t:match(list(root .. "/a"), "%./es/430/index%.html")
    t:ok(not list(root .. "/a"):find "%./en")
    t:equal((run("ls -A " .. root)), "a\n")
end)

test("a folder that exists and is empty becomes a site, also through a symbolic link", function(t)
    local root = folder(t)
    local _, err, status = run(("cd %s && mkdir empty && ln -s empty link && $reflow site link --lang en"):format(root))
    t:equal(err, "")
    t:equal(status, 0)
    t:match(list(root .. "/empty"), "%./en/430/index%.html")
    t:equal(run(("readlink %s/link"):format(root)), "empty\n")
    t:equal((run(("stat -c %%a %s/empty"):format(root))), (run(("mkdir %s/x && stat -c %%a %s/x"):format(root, root))))
end)

test("a folder that is replaced keeps its mode, and is not the current one", function(t)
    local root = folder(t)
    for _, command in ipairs { "mkdir -m 2750 a && cd a && $reflow site .",
        "mkdir -p b/c && cd b/c && $reflow site ../../b" } do
        refused(t, ("cd %s && %s"):format(root, command), "the current folder is in .*, which would be replaced")
    end
    local _, err, status = run(("cd %s && mkdir ab && cd ab && $reflow site ../a --lang en"):format(root))
    t:equal(err, "")
    t:equal(status, 0)
    t:equal((run(("stat -c %%a %s/a"):format(root))), "2750\n")
    refused(t, ("cd %s/a/en/430 && $reflow site ../../../a"):format(root), "the current folder is in .*/a, which")
    t:match(list(root .. "/a"), "%./en/430/index%.html")
end)

test("a folder that is neither empty nor a site is refused, and nothing is written", function(t)
    local root = folder(t)
    run(("cd %s && mkdir other && echo precious >other/index.html && touch file"):format(root))
    local before = list(root)
    refused(t, ("$reflow site %s/other"):format(root),
        "other is neither empty nor a site of reflow: nothing was written")
    refused(t, ("$reflow site %s/file"):format(root), "file is not a folder")
    refused(t, ("$reflow site %s/missing/site"):format(root), "cannot make .*missing/site: No such file or directory")
    refused(t, "$reflow site ''", "cannot make '': No such file or directory")
    refused(t, ("ln -s nowhere %s/link && $reflow site %s/link"):format(root, root),
        "link is a symbolic link to a folder that does not exist")
    run(("rm %s/link"):format(root))
    refused(t, "$reflow site /", "/ is a mount point")
    refused(t, "$reflow site /proc/nowhere", "cannot make a folder beside /proc/nowhere", 1)
    t:equal(list(root), before)
    t:equal(read(root .. "/other/index.html"), "precious\n")
end)

test("arguments that make no sense are refused before anything is written", function(t)
    local root = folder(t)
    refused(t, ("$reflow site %s/a --lang fr"):format(root), "^reflow site: no texts in 'fr': en or es\n$")
    refused(t, ("$reflow site %s/a --lang en,en"):format(root), "language 'en' is named twice")
    refused(t, ("$reflow site %s/a --lang ''"):format(root), "no texts in ''")
    refused(t, ("$reflow site %s/a --base-url example.com"):format(root), "'example%.com' is not the URL of a site")
    refused(t, ("$reflow site %s/a --base-url 'https://x/\"'"):format(root), "is not the URL of a site")
    refused(t, ("$reflow site %s/a b"):format(root), "'b' is one argument too many")
    refused(t, "$reflow site", "the folder is missing")
    t:equal(list(root), "")
end)

test("a full disk is reported, and nothing half written is left", function(t)
    local root = folder(t)
    local script = ("mount -t tmpfs -o size=4m none %s && { $0 site %s/a; status=$?; ls -A %s; exit $status; }"):format(
        root, root, root)
    local out, err, status = run(("unshare --user --map-root-user --mount sh -c '%s' $reflow"):format(script))
    t:match(err, "^reflow site: cannot write .*/a/.*: No space left on device %(nothing was changed there%)\n$")
    t:equal(out, "")
    t:equal(status, 1)
end)

test("a signal ends it, and nothing half written is left", function(t)
    local root = folder(t)
    local script = "$reflow site %s/a & until ls -A %s | grep -q .; do sleep 0.01; done; kill -TERM $!; wait $!"
    local _, err, status = run(script:format(root, root))
    t:match(err, "interrupted: nothing was changed in ")
    t:equal(status, 1)
    t:equal(run("ls -A " .. root), "")
end)

tap.done()
