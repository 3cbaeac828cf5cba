# Puts the service as it was built, and the runtime that runs it here, on dom0's disk. Sourced by run.
# shellcheck shell=bash

add_service() {
  local program=${SCHEDULER_PROGRAM:-$here/../../../hosting/Scheduler.Host/bin/Release/net10.0/scheduler}
  [[ -x $program ]] || fail "there is no $program; build hosting/Scheduler.Host, or name the program by SCHEDULER_PROGRAM"
  local runtime=${DOTNET_ROOT:-$(dirname "$(readlink -f "$(command -v dotnet)")")} frameworks=() name newest
  mkdir -p "$root/opt/scheduler" "$root/opt/dotnet"
  tar -c -C "$(dirname "$program")" --exclude='*.pdb' --exclude='*.xml' --exclude='*.resources.dll' --exclude='runtimes/[^l]*' . |
    tar -x -C "$root/opt/scheduler"
  cp -a "$runtime/host" "$root/opt/dotnet"
  for name in Microsoft.NETCore.App Microsoft.AspNetCore.App; do
    newest=$(printf '%s\n' "$runtime/shared/$name"/10.* | sort -V | tail -n 1)
    mkdir -p "$root/opt/dotnet/shared/$name"
    cp -a "$newest" "$root/opt/dotnet/shared/$name"
    frameworks+=(-r "$newest/*.dll")
  done
  compile_ahead
}

# Most of what a start takes is the compiler, and emulated that is a minute: so what has changed is compiled here.
compile_ahead() {
  local compiler library made
  compiler=$(find_compiler) || { echo "rig: .NET's compiler ahead of time can't be had: starts of the service take longer"; return; }
  mkdir -p "$cache/ahead"
  for library in "$root"/opt/scheduler/*.dll; do
    made=$cache/ahead/$(sha256sum <"$library" | cut -c1-24).dll
    if [[ ! -f $made ]]; then
      "$compiler" "$library" -o "$work/ahead.dll" "${frameworks[@]}" -r "$root/opt/scheduler/*.dll" \
        --targetos linux --targetarch x64 -O >"$work/ahead.log" 2>&1 || { echo "rig: ${library##*/} is left as it is: $(tail -n 1 "$work/ahead.log")"; continue; }
      mv "$work/ahead.dll" "$made"
    fi
    touch "$made"
    cp "$made" "$library.ahead"
  done
  for library in "$root"/opt/scheduler/*.ahead; do mv "$library" "${library%.ahead}"; done
  find "$cache/ahead" -mtime +7 -delete
}

# A package like others, but not one that a project names: .NET has it fetched for what is published so.
find_compiler() {
  local packages=$cache/packages pack=microsoft.netcore.app.crossgen2.linux-x64
  if ! compgen -G "$packages/$pack/*/tools/crossgen2" >/dev/null; then
    mkdir "$work/fetch"
    cat >"$work/fetch/fetch.csproj" <<'END'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <TargetFramework>net10.0</TargetFramework>
    <RuntimeIdentifier>linux-x64</RuntimeIdentifier>
    <PublishReadyToRun>true</PublishReadyToRun>
  </PropertyGroup>
</Project>
END
    dotnet restore "$work/fetch" --packages "$packages" >"$work/fetch.log" 2>&1 || return 1
  fi
  compgen -G "$packages/$pack/*/tools/crossgen2" | tail -n 1
}
