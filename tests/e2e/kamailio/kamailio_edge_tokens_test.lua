-- SPDX-License-Identifier: BSD-2-Clause
-- The tests of edge.cfg once more, with flow tokens of the module's own in place of the outbound module's.
require("kamailio_edge").own_tokens = true
dofile "tests/e2e/kamailio/kamailio_edge_test.lua"
