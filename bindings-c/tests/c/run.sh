#!/usr/bin/env bash
# Runs the C tests: as C99 and as C++, with the address sanitizer, and under valgrind. The last line counts them.
set -uo pipefail
cd "$(dirname "$0")"

library=$1                     # the folder of libsentinelle.so
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Programs look for it by its SONAME.
ln -s "$library/libsentinelle.so" "$work/libsentinelle.so.1"
export LD_LIBRARY_PATH=$work
passed=0
failed=0

strict=(-pedantic -Wall -Wextra -Werror -g -I../../include)
linked=(-L"$library" -lsentinelle -lpthread)

# Counts the last line of a program; a program that ends badly without saying so counts as one failure.
run() {
    local name=$1
    shift
    echo "# $name"
    timeout 300 "$@" >"$work/output" 2>&1
    local status=$?
    cat "$work/output"
    local count
    count=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$work/output" | tail -n 1)
    [[ $count =~ ^([0-9]+)\ passed,\ ([0-9]+) ]] || BASH_REMATCH=(0 0 0)
    passed=$((passed + BASH_REMATCH[1]))
    failed=$((failed + BASH_REMATCH[2]))
    if [ "$status" != 0 ] && [ "${BASH_REMATCH[2]}" = 0 ]; then
        echo "# $name ended with status $status"
        failed=$((failed + 1))
    fi
}

# Compiles a test, or counts a failure.
compile() {
    "$@" || { failed=$((failed + 1)); return 1; }
}

for test in handles arguments embedded forked group discovery pool moves; do
    compile gcc -std=c99 "${strict[@]}" "$test.c" -o "$work/$test" "${linked[@]}" && run "$test" "$work/$test"
    # That they compile as C++ is the test; what they do is the same.
    compile g++ -x c++ "${strict[@]}" -fsyntax-only "$test.c"
done

for test in handles arguments embedded pool moves; do
    compile gcc -std=c99 "${strict[@]}" -fsanitize=address,undefined "$test.c" -o "$work/$test-asan" "${linked[@]}" &&
        run "$test, address sanitizer" "$work/$test-asan"
done

for test in handles arguments embedded; do
    run "$test, valgrind" valgrind --quiet --error-exitcode=9 --leak-check=full --show-leak-kinds=definite \
        --errors-for-leak-kinds=definite "$work/$test"
done

printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
