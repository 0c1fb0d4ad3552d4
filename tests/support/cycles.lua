-- SPDX-License-Identifier: BSD-2-Clause
-- cycles.lua FOLDER FILE.c...: which file uses which, as the linker sees it. The object of module/X.c is
-- FOLDER/module/X.o. A finding is a use that points up in the order of layers, a cycle of folders, a cycle of more than
-- four files, or a folder with more than 22 C files. Prints each finding with the symbols that cause it; exit status 1
-- if there is one.

local largest_cycle <const> = 4
local largest_folder <const> = 22

-- A layer may use those with a smaller number. The two hosts are never linked together.
local rank = { core = 1, wasm = 2, base = 2, flow = 3, sip = 3, script = 4, call = 5, standalone = 6, kamailio = 6,
    cli = 7 }

local findings = 0
local function report(...)
    findings = findings + 1
    print(string.format(...))
end

local function sorted_keys(set)
    local list = {}
    for key in pairs(set) do
        list[#list + 1] = key
    end
    table.sort(list)
    return list
end

local function layer_of(path)
    return path:match "^[^/]+"
end

local function folder_of(path)
    return path:match "^(.*)/[^/]*$"
end

-- The program, the Kamailio module and the WebAssembly module are linked apart: a name in one is not the same name in
-- another.
local units = { kamailio = "module", wasm = "page" }

local function unit_of(path)
    return units[layer_of(path)] or "program"
end

local function shared(path)
    return rank[layer_of(path)] < rank.standalone and unit_of(path) == "program"
end

-- names[path] = { defined = { symbol... }, used = { symbol... } }, with paths below module/ and without ".c".
local function read_symbols(objects, sources)
    local command, path_of, names = { "nm -A -P" }, {}, {}
    for _, source in ipairs(sources) do
        local path = source:match "^module/(.*)%.c$"
        local object = ("%s/module/%s.o"):format(objects, path)
        path_of[object] = path
        names[path] = { defined = {}, used = {} }
        command[#command + 1] = object
    end
    local nm <close> = assert(io.popen(table.concat(command, " ")))
    for line in nm:lines() do
        local object, symbol, kind = line:match "^(.-): (%S+) (%a)"
        local place = object and names[path_of[object]]
        if place and kind == "U" then
            place.used[#place.used + 1] = symbol
        elseif place and kind:find "%u" then
            place.defined[#place.defined + 1] = symbol
        end
    end
    assert(nm:close(), "nm failed")
    return names
end

-- edges[from][to] = { symbol = true... }
local function file_edges(names)
    local place = { program = {}, module = {}, page = {} }
    for path, symbols in pairs(names) do
        for _, symbol in ipairs(symbols.defined) do
            if shared(path) then
                for _, unit in pairs(place) do
                    unit[symbol] = path
                end
            else
                place[unit_of(path)][symbol] = path
            end
        end
    end
    local edges = {}
    for path, symbols in pairs(names) do
        edges[path] = {}
        for _, symbol in ipairs(symbols.used) do
            local to = place[unit_of(path)][symbol]
            if to and to ~= path then
                edges[path][to] = edges[path][to] or {}
                edges[path][to][symbol] = true
            end
        end
    end
    return edges
end

-- folders[from][to] = { "file -> file: symbol..." }
local function folder_edges(edges)
    local folders = {}
    for _, from in ipairs(sorted_keys(edges)) do
        local at = folder_of(from)
        folders[at] = folders[at] or {}
        for _, to in ipairs(sorted_keys(edges[from])) do
            if folder_of(to) ~= at then
                local list = folders[at][folder_of(to)] or {}
                list[#list + 1] = ("%s -> %s: %s"):format(from, to, table.concat(sorted_keys(edges[from][to]), " "))
                folders[at][folder_of(to)] = list
            end
        end
    end
    return folders
end

-- The strongly connected components with more than one node (Tarjan), each sorted.
local function cycles_of(edges)
    local index, low, stack, on_stack, count, found = {}, {}, {}, {}, 0, {}
    local function take(node)
        local cycle = {}
        repeat
            cycle[#cycle + 1] = table.remove(stack)
            on_stack[cycle[#cycle]] = nil
        until cycle[#cycle] == node
        if #cycle > 1 then
            table.sort(cycle)
            found[#found + 1] = cycle
        end
    end
    local function visit(node)
        count = count + 1
        index[node], low[node] = count, count
        stack[#stack + 1] = node
        on_stack[node] = true
        for _, next_node in ipairs(sorted_keys(edges[node])) do
            if not index[next_node] then
                visit(next_node)
                low[node] = math.min(low[node], low[next_node])
            elseif on_stack[next_node] then
                low[node] = math.min(low[node], index[next_node])
            end
        end
        if low[node] == index[node] then
            take(node)
        end
    end
    for _, node in ipairs(sorted_keys(edges)) do
        if not index[node] then
            visit(node)
        end
    end
    return found
end

local function check_layers(edges)
    for _, from in ipairs(sorted_keys(edges)) do
        for _, to in ipairs(sorted_keys(edges[from])) do
            local layer, other = layer_of(from), layer_of(to)
            if layer ~= other and rank[other] >= rank[layer] then
                report("module/%s.c: %s may not use %s.c: %s", from, layer, to,
                    table.concat(sorted_keys(edges[from][to]), " "))
            end
        end
    end
end

local function check_folders(folders)
    for _, cycle in ipairs(cycles_of(folders)) do
        local lines = {}
        for _, from in ipairs(cycle) do
            for _, to in ipairs(cycle) do
                for _, line in ipairs(folders[from][to] or {}) do
                    lines[#lines + 1] = "\n    " .. line
                end
            end
        end
        report("a cycle of folders: %s%s", table.concat(cycle, " "), table.concat(lines))
    end
end

local function check_files(edges)
    for _, cycle in ipairs(cycles_of(edges)) do
        if #cycle > largest_cycle then
            local lines = {}
            for _, from in ipairs(cycle) do
                for _, to in ipairs(cycle) do
                    if edges[from][to] then
                        lines[#lines + 1] = ("\n    %s -> %s: %s"):format(from, to,
                            table.concat(sorted_keys(edges[from][to]), " "))
                    end
                end
            end
            report("a cycle of %d files, at most %d are allowed: %s%s", #cycle, largest_cycle,
                table.concat(cycle, " "), table.concat(lines))
        end
    end
end

local function check_sizes(edges)
    local size = {}
    for path in pairs(edges) do
        size[folder_of(path)] = (size[folder_of(path)] or 0) + 1
    end
    for _, folder in ipairs(sorted_keys(size)) do
        if size[folder] > largest_folder then
            report("module/%s: %d C files, at most %d are allowed", folder, size[folder], largest_folder)
        end
    end
end

local function check_known(sources)
    for _, source in ipairs(sources) do
        local layer = source:match "^module/([^/]+)/.*%.c$"
        assert(rank[layer], "not a C file of a known layer: " .. source)
    end
end

local sources = table.move(arg, 2, #arg, 1, {})
check_known(sources)
local edges = file_edges(read_symbols(arg[1], sources))
check_layers(edges)
check_folders(folder_edges(edges))
check_files(edges)
check_sizes(edges)
os.exit(findings == 0 and 0 or 1)
