-- SPDX-License-Identifier: BSD-2-Clause
-- The outermost function of a program that uses luv.
local program = {}

--[[ Runs main() and ends the process: status 0, or 1 with the error and its traceback on standard error. The Lua state
     is not closed, because luv 1.44 crashes there if a handle was closed and the loop has not run since. ]]
function program.run(main)
    local fine, why = xpcall(main, debug.traceback)
    if not fine then
        io.stderr:write(tostring(why), "\n")
    end
    os.exit(fine and 0 or 1, false)
end

return program
