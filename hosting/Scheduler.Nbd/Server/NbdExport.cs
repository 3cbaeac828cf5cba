using Scheduler.Actors;
using Scheduler.Nbd.Protocol;
using Scheduler.Storage.Loop;

namespace Scheduler.Nbd.Server;

/// <summary>A disk as NBD serves it.</summary>
public sealed record NbdExport
{
    /// <summary>What clients are told.</summary>
    public required ExportInfo Info { get; init; }

    /// <summary>Name of the volume.</summary>
    public required string Volume { get; init; }

    /// <summary>Name of the disk.</summary>
    public required string Disk { get; init; }

    /// <summary>Loop of the volume: its connections run there.</summary>
    public required EventLoop Loop { get; init; }

    /// <summary>The guest that owns the disk.</summary>
    public required NbdGuest Guest { get; init; }

    /// <summary>Request slots that a connection asks for.</summary>
    public required int Credits { get; init; }

    /// <summary>Starts a ring's actor on the volume's dispatcher.</summary>
    public required Func<Props, ActorRef> StartRing { get; init; }

    /// <summary>Whether the volume's scheduler runs.</summary>
    public required Func<bool> IsAvailable { get; init; }
}

/// <summary>The exports of a server, in the order of the configuration: the first is the default.</summary>
/// <param name="exports">All of them.</param>
public sealed class NbdExports(IReadOnlyList<NbdExport> exports) : IExportDirectory
{
    // Replaced as a whole: a client that lists them sees one state or the other.
    private volatile Table _table = new(exports);

    /// <summary>The server stops: nothing is offered any more.</summary>
    public bool Stopping { get; set; }

    /// <summary>From now on these are offered, to new connections.</summary>
    /// <param name="exports">All of them, those that were offered before included.</param>
    public void Replace(IReadOnlyList<NbdExport> exports) => _table = new Table(exports);

    /// <inheritdoc/>
    public bool TryList([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out IReadOnlyList<ExportInfo>? exports)
    {
        exports = Stopping ? null : _table.Infos;
        return !Stopping;
    }

    /// <inheritdoc/>
    public ExportLookup Find(string name, out ExportInfo? export)
    {
        Table table = _table;
        NbdExport? found = name.Length > 0 ? table.ByName.GetValueOrDefault(name) : table.Infos.Length > 0 ? table.ByName[table.Infos[0].Name] : null;
        export = null;
        if (found is null)
            return ExportLookup.Unknown;
        if (Stopping || !found.IsAvailable() || !found.Guest.HasRoom)
            return ExportLookup.Unavailable;
        export = found.Info;
        return ExportLookup.Found;
    }

    // As the client was told, whatever has changed since.
    internal NbdExport this[ExportInfo info] => _table.ByName[info.Name] with { Info = info };

    private sealed class Table(IReadOnlyList<NbdExport> exports)
    {
        public readonly Dictionary<string, NbdExport> ByName = exports.ToDictionary(export => export.Info.Name, StringComparer.Ordinal);
        public readonly ExportInfo[] Infos = [.. exports.Select(export => export.Info)];
    }
}
