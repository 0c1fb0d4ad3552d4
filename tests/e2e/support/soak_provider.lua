-- SPDX-License-Identifier: BSD-2-Clause
--[[ What kamailio_soak.lua needs to run examples/kamailio/provider.cfg: users with passwords, a voicemail server, and
     the records of calls, which db_flatstore writes into files. SQLite would refuse some of them, because it refuses a
     write during another one. ]]
local uv = require "luv"
local digest = require "digest"
local provider = require "provider"
local server = require "server"
local ua = require "ua"

-- begun, answered: the Call-IDs of all calls, and of those that were answered.
local soak_provider = { begun = {}, answered = {} }
local challenge -- the last one; a nonce is good for all phones of one address

function soak_provider.challenged(answer)
    challenge = digest.challenges(answer)[1]
end

local function ha1(user)
    return digest.hash("MD5", user, provider.domain, provider.password(user))
end

-- The Authorization of a REGISTER, or nil before the first challenge.
function soak_provider.credentials(user)
    return challenge and digest.header(challenge, { user = user, password = provider.password(user),
        method = "REGISTER", uri = "sip:" .. provider.domain })
end

local function add_users(path, count)
    local rows = {}
    for number = 1, count do
        local user = "bob" .. number
        rows[number] = ("('%s', '%s', '%s')"):format(user, provider.domain, ha1(user))
    end
    provider.query(path, "insert into subscriber (username, domain, ha1) values " .. table.concat(rows, ", "))
end

-- Starts it with users bob1, bob2 and so on, and a policy.
function soak_provider.start(t, policy, count)
    local folder = server.temporary ".records"
    assert(uv.fs_mkdir(folder, 448))
    soak_provider.folder = folder
    t:defer(function()
        os.execute(("rm -r '%s'"):format(folder))
    end)
    local config = folder .. "/provider.cfg"
    -- The records of calls are in files; as log lines they would take the tester more time than the calls.
    server.write(config, ('#!KAMAILIO\ninclude_file "%s"\ndebug=0\nloadmodule "db_flatstore.so"\n'
        .. 'modparam("reflow", "policy", "%s")\n'):format(uv.fs_realpath(provider.config), policy))
    local s = provider.start(t, { config = config, memory = 1024, private_memory = 16, trunks = 1,
        defines = { ('ACCOUNTING="flatstore:%s"'):format(folder), "TCP_CHILDREN=2" },
        prepare = function(path)
            add_users(path, count)
        end })
    s.domain = provider.domain
    return s
end

-- A voicemail server that answers each call; heard(Call-ID) is called for it.
function soak_provider.voicemail(t, s, heard)
    local mailbox = ua.open { port = s.port, user = "voicemail", domain = provider.domain,
        local_port = s.voicemail_port }
    t:defer(function()
        mailbox:close()
    end)
    mailbox:serve { BYE = 200, CANCEL = 200, ACK = function()
        mailbox.seen = {}
    end, INVITE = function(self, invite)
        heard(invite:get "Call-ID")
        self:reply(invite, 200)
    end }
end

-- --- the records ---

local function count_records(path, counts)
    for line in io.lines(path) do
        local method, call_id, status = line:match "^(%u+)|[^|]*|[^|]*|([^|]*)|(%d+)|"
        if method then
            local of_call = counts[call_id] or {}
            counts[call_id] = of_call
            of_call[method] = (of_call[method] or 0) + 1
            if method == "INVITE" and status == "200" then
                of_call.answered = true
            end
        end
    end
end

local function read_records()
    local counts, missed = {}, {}
    for name in uv.fs_scandir_next, uv.fs_scandir(soak_provider.folder) do
        if name:find "^acc_" then
            count_records(soak_provider.folder .. "/" .. name, counts)
        elseif name:find "^missed_calls_" then
            count_records(soak_provider.folder .. "/" .. name, missed)
        end
    end
    return counts, missed
end

-- Each call has one record, the end of each answered one another. fault(format, ...) is called for each that has not.
function soak_provider.compare_records(fault)
    local counts, missed = read_records()
    local figures = { calls = 0, records = 0, answered = 0, ends = 0, missed = 0 }
    for id in pairs(soak_provider.begun) do
        local of_call = counts[id] or {}
        figures.calls, figures.records = figures.calls + 1, figures.records + (of_call.INVITE or 0)
        if of_call.INVITE ~= 1 or (of_call.answered or false) ~= (soak_provider.answered[id] or false) then
            fault("%s: %d records, %s", id, of_call.INVITE or 0, of_call.answered and "answered" or "not answered")
        end
        if soak_provider.answered[id] then
            figures.answered, figures.ends = figures.answered + 1, figures.ends + (of_call.BYE or 0)
        end
        local missed_here = missed[id] and missed[id].INVITE or 0
        figures.missed = figures.missed + missed_here
        if missed_here > 1 then
            fault("%s: %d records as a missed call", id, missed_here)
        end
    end
    if figures.answered ~= figures.ends then
        fault("%d calls were answered, %d ends recorded", figures.answered, figures.ends)
    end
    print(("soak: %d calls, %d records; %d answered, %d ends recorded; %d missed"):format(figures.calls,
        figures.records, figures.answered, figures.ends, figures.missed))
end

return soak_provider
