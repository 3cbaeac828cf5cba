using System.Diagnostics.CodeAnalysis;
using Scheduler.Nbd.Protocol;

namespace Scheduler.Nbd.Tests;

/// <summary>
/// Two exports, one of them read-only with large blocks, and the name "gone" of one that is stopping.
/// </summary>
internal sealed class TestExports : IExportDirectory
{
    public static readonly ExportInfo D0 = new("d0", 0x40000000, description: "disk of g0");
    public static readonly ExportInfo Ro = new("ro", 0x10000, minBlock: 4096, maxPayload: 0x8000, readOnly: true);

    private static readonly ExportInfo[] All = [D0, Ro];

    /// <summary>The whole server is stopping.</summary>
    public bool Stopping { get; init; }

    public bool TryList([NotNullWhen(true)] out IReadOnlyList<ExportInfo>? exports)
    {
        exports = Stopping ? null : All;
        return !Stopping;
    }

    public ExportLookup Find(string name, out ExportInfo? export)
    {
        export = name.Length == 0 ? All[0] : Array.Find(All, e => e.Name == name);
        if (Stopping || name == "gone")
        {
            export = null;
            return ExportLookup.Unavailable;
        }

        return export == null ? ExportLookup.Unknown : ExportLookup.Found;
    }
}
