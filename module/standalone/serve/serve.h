// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_SERVE_H
#define REFLOW_STANDALONE_SERVE_H

/* `reflow serve`: argv[0] is "serve". Returns the exit status of the process: 0 after a clean end; 2 if the options,
   the script, the state file or a port prevent the start, with one line on stderr. */
int serve_main(int argc, char **argv);

#endif
