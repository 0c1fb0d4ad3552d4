-- SPDX-License-Identifier: BSD-2-Clause
-- expect: load
-- A script that matches for ever while it loads.
return (('a'):rep(3000)):find('.-.-.-b')
