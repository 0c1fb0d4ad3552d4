-- SPDX-License-Identifier: BSD-2-Clause
-- Why a Kamailio does not end: which of its processes are left, and for whose lock the main one waits.
local uv = require "luv"

local kamailio_end = {}

local function read(path)
    local file <close> = io.open(path, "rb")
    return file and file:read "a" or ""
end

-- State and process group of a process; nil where there is none.
local function stat(pid)
    -- The name of the program is in parentheses, and may have some of its own.
    local state, group = read(("/proc/%d/stat"):format(pid)):match ".*%) (%a) %d+ (%d+)"
    return state, tonumber(group)
end

-- Pids of the processes of that group which have not ended, its leader excepted.
function kamailio_end.others(group)
    local pids, entries = {}, uv.fs_scandir "/proc"
    while entries do
        local name = uv.fs_scandir_next(entries)
        if not name then
            return pids
        end
        local pid = math.tointeger(tonumber(name))
        if pid and pid ~= group then
            local state, its_group = stat(pid)
            if its_group == group and state ~= "Z" then
                pids[#pids + 1] = pid
            end
        end
    end
    return pids
end

-- Kamailio's main process catches SIGALRM from the moment on when it has sent SIGTERM to its children.
function kamailio_end.has_begun(pid)
    local caught = tonumber(read(("/proc/%d/status"):format(pid)):match "SigCgt:%s*(%x+)" or "0", 16)
    return caught & (1 << 13) ~= 0
end

-- The file whose code lies at that address, if it is a program or a library.
local function file_at(maps, address)
    for line in maps:gmatch "[^\n]+" do
        local from, to, rights, path = line:match "^(%x+)%-(%x+) (%S+) %S+ %S+ %S+%s*(.*)$"
        if rights and rights:find "x" and address >= tonumber(from, 16) and address < tonumber(to, 16) then
            return path:find "^/" and path
        end
    end
end

-- The innermost return address on the stack that does not lead into the C library.
local function caller(pid, stack_pointer)
    local memory <close> = io.open(("/proc/%d/mem"):format(pid), "rb")
    if not memory then
        return nil
    end
    memory:setvbuf "no"
    memory:seek("set", stack_pointer)
    local maps = read(("/proc/%d/maps"):format(pid))
    for _ = 1, 64 do
        local word = memory:read(8)
        local path = word and file_at(maps, (string.unpack("<I8", word)))
        if path and not path:find "/libc[.-]" then
            return path
        end
    end
end

local FUTEX = { ["202"] = true, ["98"] = true } -- on x86-64 and on ARM64

--[[ Where the process waits for a lock, without a limit of time: the path of the program or library that asked for it,
     and the lock's address. nil where it does something else. ]]
function kamailio_end.lock(pid)
    local number, address, _, _, timeout, _, _, stack_pointer =
        read(("/proc/%d/syscall"):format(pid)):match("^(%d+)" .. (" (0x%x+)"):rep(8))
    if FUTEX[number] and tonumber(timeout) == 0 then
        return caller(pid, tonumber(stack_pointer)) or "?", address
    end
end

return kamailio_end
