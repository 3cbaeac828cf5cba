using System.Globalization;
using System.Text.RegularExpressions;

namespace Scheduler.Storage.Lease;

/// <summary>
/// A process that takes leases, by a name that no other process has or had: <c>node/process/started/boot</c>, as in
/// <c>node1/4711/88123/1f0d1d5e-3c1b-4c3e-9d40-0b6cbb1ff0a6</c>. Who is to end it can tell it from another process that got its
/// number later, and knows it for dead if its machine was booted since.
/// </summary>
/// <param name="Node">Name of its node: letters, digits and <c>. : _ -</c>, not first one of these, at most 255.</param>
/// <param name="ProcessId">Its process id there.</param>
/// <param name="Started">When it was started, in clock ticks since boot: field 22 of <c>/proc/PID/stat</c>, proc(5).</param>
/// <param name="Boot">The boot it runs in: <c>/proc/sys/kernel/random/boot_id</c>, random(4).</param>
public sealed partial record LeaseOwner(string Node, int ProcessId, long Started, Guid Boot)
{
    /// <summary>This process.</summary>
    /// <param name="node">Name of its node.</param>
    /// <exception cref="FormatException">The name is none.</exception>
    /// <returns>Its name.</returns>
    public static LeaseOwner ThisProcess(string node)
    {
        // Behind the program's name, which may hold spaces and brackets, comes field 3.
        string status = File.ReadAllText("/proc/self/stat");
        string started = status[(status.LastIndexOf(')') + 2)..].Split(' ')[22 - 3];
        return Parse($"{node}/{Environment.ProcessId}/{started}/{File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim()}");
    }

    /// <summary>Reads a name.</summary>
    /// <param name="name">What <see cref="ToString"/> gave.</param>
    /// <exception cref="FormatException">It is none.</exception>
    /// <returns>The owner.</returns>
    public static LeaseOwner Parse(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        Match match = Format().Match(name);
        return match.Success
            && int.TryParse(match.Groups[2].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out int process) && process > 0
            && long.TryParse(match.Groups[3].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out long started)
            && Guid.TryParseExact(match.Groups[4].ValueSpan, "D", out Guid boot)
            ? new LeaseOwner(match.Groups[1].Value, process, started, boot)
            : throw new FormatException($"'{name}' is no owner of a lease; that is node/process/started/boot, and a node's name has letters, digits and .:_- only");
    }

    /// <summary>The name, as it is stored.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Node}/{ProcessId}/{Started}/{Boot:D}");

    [GeneratedRegex(@"^([A-Za-z0-9][A-Za-z0-9.:_-]{0,254})/([0-9]+)/([0-9]+)/([0-9a-f-]{36})\z")]
    private static partial Regex Format();
}
