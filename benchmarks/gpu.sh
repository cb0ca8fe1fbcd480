#!/bin/bash
# Everything that is measured on a GPU, in one command. It writes what is missing and skips what is there, so that it
# can be stopped and started again. It needs Fashion-MNIST (resnet20), which must be on the machine already, where
# NUMPYFA_DATA says, or is downloaded; nothing else needs the network.
#
#     bash benchmarks/gpu.sh [--biotorch FOLDER] [--list] [--only PATTERN]
#
# Results: benchmarks/results/PART-gpu-DEVICE.json (and .png), for the tests a .txt. What each part said:
# runs/gpu-DEVICE/PART.log. A part that fails is named at the end, and the others go on; then the exit status is 1.
# Without a GPU it stops with one line and status 2. --list says what would be run. PYTHON names the interpreter, EPOCHS
# the length of ResNet-20's training (30).
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2
python=${PYTHON:-python} epochs=${EPOCHS:-30} list="" only=. biotorch=()
while [ $# -gt 0 ]; do
    case $1 in
    --biotorch) biotorch=(--biotorch "${2:?--biotorch needs a folder}") && shift 2 ;;
    --only) only=${2:?--only needs a pattern} && shift 2 ;;
    --list) list=yes && shift ;;
    *) echo "gpu.sh: unknown option '$1'; there are --biotorch FOLDER, --only PATTERN and --list" >&2 && exit 2 ;;
    esac
done
export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}"

# The name of the device is asked of CuPy once, by allocating on it. GPU_NAME stands in for it where there is none.
name=${GPU_NAME:-$("$python" - <<'PYTHON'
import sys
from numpyfa.backend import find_gpu

cupy, reason = find_gpu()
if cupy is None:
    sys.exit(f"gpu.sh: no GPU: {reason}")
print(cupy.cuda.runtime.getDeviceProperties(0)["name"].decode())
PYTHON
)} || exit 2
device=$(tr '[:upper:]' '[:lower:]' <<<"$name" | tr -cs '[:alnum:]\n' '-' | sed 's/^-*//; s/-*$//')
results=benchmarks/results logs=runs/gpu-$device failed=()
mkdir -p "$results" "$logs" || exit 2

# part NAME FILE COMMAND: run it unless FILE is there; what it says goes to the log.
part() {
    local part=$1 file=$2 log=$logs/$1.log began=$SECONDS
    shift 2
    [[ $part =~ $only ]] || return 0
    if [ -e "$file" ]; then
        echo "$part: is there ($file)"
    elif [ -n "$list" ]; then
        echo "$part: to do: $*"
    elif echo "$part: started, see $log" && "$@" >>"$log" 2>&1 && [ -e "$file" ]; then
        echo "$part: done in $((SECONDS - began)) s"
    else
        echo "$part: FAILED after $((SECONDS - began)) s: $(tail -n 1 "$log")"
        failed+=("$part")
    fi
}

# The tests: their words are the result, and become one only if none failed.
tests() {
    "$python" -m pytest -m gpu -p no:cacheprovider >"$1.part" 2>&1
    local status=$?
    cat "$1.part"
    [ $status -eq 0 ] && mv "$1.part" "$1"
    return $status
}

# ResNet-20 on all of Fashion-MNIST. An interrupted run goes on; what it found is its summary.
resnet20() {
    local out=runs/resnet20-gpu-$device again=()
    [ -d "$out" ] && again=(--resume)
    "$python" -m numpyfa reproduce pfa-resnet20 --rules bp,fa,pfa,dfa --examples 60000 --epochs "$epochs" \
        --device gpu --out "$out" ${again[@]+"${again[@]}"} && cp "$out/summary.json" "$1.part" && mv "$1.part" "$1"
}

measure() { # measure SCRIPT [OPTIONS]: benchmarks/SCRIPT.py on the GPU; its own FILE.part lets it go on where it was
    local script=$1 file=$results/$1-gpu-$device.json
    shift
    part "$script" "$file" "$python" "benchmarks/$script.py" --device gpu --out "$file" "$@"
}

part tests "$results/tests-gpu-$device.txt" tests "$results/tests-gpu-$device.txt"
measure parity
measure mlp ${biotorch[@]+"${biotorch[@]}"}  # without a folder nothing: bash 3.2 calls an empty list unset
measure conv ${biotorch[@]+"${biotorch[@]}"}
measure rules
measure growth
part resnet20 "$results/resnet20-gpu-$device.json" resnet20 "$results/resnet20-gpu-$device.json"

if [ ${#failed[@]} -gt 0 ]; then
    echo "gpu.sh: failed: ${failed[*]}; the others are in $results" >&2
    exit 1
fi
