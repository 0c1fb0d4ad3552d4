-- SPDX-License-Identifier: BSD-2-Clause
-- expect: load
-- A script that never finishes loading.
while true do end
