#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# mutants.sh: breaks each guardrail that the model of the call keeps, in a copy of one file, and runs the exploration
# (tests/unit/test_call_explore.c) against it. Fails where the exploration does not notice. BUILD, CC as for make;
# REFLOW_EXPLORE_DEPTH (6).
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${BUILD:-build}
cc=${CC:-cc}
objects=$build/sanitize
folder=$build/mutants
depth=${REFLOW_EXPLORE_DEPTH:-6}
flags="-std=c11 -Imodule -Itests/support -D_GNU_SOURCE -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -w"
libraries="-lcmocka -losipparser2 -lcrypto -llua5.4 -luv -lsqlite3 -lpcap -lssl -lwslay -lhttp_parser -lcares -lm -lpthread"
read -ra flags <<<"$flags $(pkg-config --cflags lua5.4 2>/dev/null)"
read -ra libraries <<<"$libraries"

# RULE|FILE|EXPRESSION of sed. Each must change the file.
mutants() {
    cat <<'END'
5626-7.a|flow/target.c|s/return target->status == TARGET_UNTRIED && !instance_is(.*/return target->status == TARGET_UNTRIED;/
5626-7.c|flow/target.c|s/other->status = TARGET_SKIPPED;/(void)other;/
5626-7.c|core/guard.c|s/if (proposal->to_answered_instance)/if (0)/; s/return same_instance ? guard_same_instance(reading) : RULE_NONE;/return RULE_NONE;/
5626-7.c|core/decide_proxy.c|s/decision.flags |= FLAG_ANSWERED;/;/
5626-7.f|call/follow.c|s/target_flow_died(branch->context->targets, target->flow);/;/
5626-7.f|call/follow.c|s/host->drop_flow(branch);/;/
3261-16.7.c|core/decide_proxy.c|s/take(decision, ACTION_FORWARD, RULE_3261_16_7_C/take(decision, ACTION_HOLD, RULE_3261_16_7_C/
3261-16.7.c|core/decide_proxy.c|s/decision->flags |= FLAG_CANCEL_REST;/;/
3261-16.7.c|core/guard.c|s/if (is_success_to_invite(reading)) {/if (0) {/
3261-16.7.c|call/follow.c|s/!context->final_forwarded && !context->success_forwarded && //
3261-16.7.d|call/follow.c|s/ && !context->global_failure_seen//
3261-16.7.d|call/choose.c|s/bool global = .*/bool global = false;/
3261-16.7.d|core/best.c|s/class == CLASS_GLOBAL_FAILURE ? 1/class == CLASS_GLOBAL_FAILURE ? 6/
5626-11.5.a|core/best.c|s/row->sent_as ? row->sent_as : response->code/response->code/
5626-11.5.a|core/guard.c|s/if (status == SIP_FLOW_FAILED)/if (0)/
5626-11.5.b|core/best.c|s/return RANK_430 + made_up;/return made_up;/
4320-4.a|core/best.c|s/row->number == SIP_REQUEST_TIMEOUT \&\& method != METHOD_INVITE/0/
4320-4.a|core/guard.c|s/status == SIP_REQUEST_TIMEOUT \&\& method != METHOD_INVITE/0/
3261-16.7.h|core/best.c|s/\.merge = row->proxy == PROXY_CHALLENGE/.merge = 0/
3261-8.1.3.a|core/code.c|s/return row_of\[number\] ? row_of\[number\] : row_of_class\[number \/ 100\];/return row_of[number];/
3261-9.a|call/follow.c|s/ *!context->cancelled \&\&//
5393-5.a|call/follow.c|s/context->waits = breadth_left(context) == 0;/context->waits = false;/
5393-5.a|flow/breadth.c|s/return share == 0 \&\& left > 0 ? 1 : share;/return left + 1;/
END
}

${MAKE:-make} -s -j"$(nproc)" --no-print-directory BUILD="$build" MODE=sanitize "$objects/unit/test_call_explore" || exit 1
mkdir -p "$folder"
number=0
survived=0
while IFS='|' read -r rule file expression; do
    number=$((number + 1))
    copy=$folder/$number.c
    sed "$expression" "module/$file" >"$copy"
    if cmp -s "module/$file" "$copy"; then
        echo "$rule: the expression does not change module/$file: $expression"
        survived=$((survived + 1))
        continue
    fi
    if ! "$cc" "${flags[@]}" -o "$folder/$number" "$copy" "$objects/tests/unit/test_call_explore.o" \
        "$objects/tests.a" "${libraries[@]}" >"$folder/$number.log" 2>&1; then
        echo "$rule: the mutant of module/$file cannot be built, see $folder/$number.log"
        survived=$((survived + 1))
        continue
    fi
    if REFLOW_EXPLORE_DEPTH=$depth ASAN_OPTIONS=detect_leaks=0 "$folder/$number" >"$folder/$number.log" 2>&1; then
        echo "$rule: SURVIVED in module/$file: $expression"
        survived=$((survived + 1))
    else
        echo "$rule: found, $(grep -o 'ERROR: [^[]*' "$folder/$number.log" | head -n 1)"
    fi
    rm -f "$folder/$number"
done < <(mutants)
echo "$number mutants, $survived not found"
[ "$survived" -eq 0 ]
