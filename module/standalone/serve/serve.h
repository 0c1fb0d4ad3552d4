// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_SERVE_H
#define REFLOW_STANDALONE_SERVE_H

/* `reflow serve`: argv[0] is "serve". Returns the process's exit status: 0 after a clean end, 2 where the options, the
   script, the state file or a port forbid a start; one line on stderr then says which. */
int serve_main(int argc, char **argv);

#endif
