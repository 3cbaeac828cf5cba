using System.Diagnostics.CodeAnalysis;

namespace Scheduler.Nbd.Protocol;

/// <summary>How a lookup ended.</summary>
public enum ExportLookup
{
    /// <summary>The export is there.</summary>
    Found,

    /// <summary>There is none of that name that this client may see.</summary>
    Unknown,

    /// <summary>The export or the whole server is stopping.</summary>
    Unavailable,
}

/// <summary>
/// The exports that one client may see. Called during its handshake, from the thread that runs it; must not block or
/// throw.
/// </summary>
public interface IExportDirectory
{
    /// <summary>All exports, in a stable order.</summary>
    /// <param name="exports">Set on success.</param>
    /// <returns>False if the server is stopping.</returns>
    bool TryList([NotNullWhen(true)] out IReadOnlyList<ExportInfo>? exports);

    /// <summary>Looks an export up.</summary>
    /// <param name="name">Compared byte by byte; the empty name asks for the default, which is the first one
    /// listed.</param>
    /// <param name="export">Set if the result is <see cref="ExportLookup.Found"/>.</param>
    /// <returns>How it ended.</returns>
    ExportLookup Find(string name, out ExportInfo? export);
}
