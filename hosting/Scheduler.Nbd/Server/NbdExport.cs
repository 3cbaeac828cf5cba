using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Scheduler.Actors;
using Scheduler.Nbd.Access;
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
    public required ServedGuest Guest { get; init; }

    /// <summary>Request slots that a connection asks for.</summary>
    public required int Credits { get; init; }

    /// <summary>How long requests wait for the volume's next scheduler when the one they were sent to is gone; zero: they fail.</summary>
    public TimeSpan ReattachMax { get; init; }

    /// <summary>Starts a ring's actor on the volume's dispatcher.</summary>
    public required Func<Props, ActorRef> StartRing { get; init; }

    /// <summary>The same object as long as it is the same disk, though it may grow: of a disk that takes another's name, or has become
    /// smaller or another guest's, it is another.</summary>
    public required object Life { get; init; }

    /// <summary>Whether the volume's scheduler runs.</summary>
    public required Func<bool> IsAvailable { get; init; }
}

/// <summary>The exports of a server, in the order of the configuration.</summary>
/// <param name="exports">All of them.</param>
public sealed class NbdExports(IReadOnlyList<NbdExport> exports)
{
    // Replaced as a whole: a client that lists them sees one state or the other.
    private volatile Table _table = new(exports);

    // What clients in their handshake were told of which disk.
    private readonly ConditionalWeakTable<ExportInfo, object> _lives = LivesOf(exports);

    /// <summary>The server stops: nothing is offered any more.</summary>
    public bool Stopping { get; set; }

    /// <summary>From now on these are offered, to new connections.</summary>
    /// <param name="exports">All of them.</param>
    public void Replace(IReadOnlyList<NbdExport> exports)
    {
        Remember(_lives, exports);
        _table = new Table(exports);
    }

    /// <summary>The exports as one client sees them: the first that it sees is its default.</summary>
    /// <param name="sightNow">What it sees, asked for each time that it looks.</param>
    /// <returns>A view that follows <see cref="Replace"/>.</returns>
    public IExportDirectory SeenBy(Func<Sight> sightNow) => new View(this, sightNow);

    /// <summary>The export that a client was told of, as it was told; null if its disk is gone, or another one.</summary>
    /// <param name="told">What it was told.</param>
    /// <returns>The export.</returns>
    public NbdExport? Find(ExportInfo told) =>
        _table.ByName.TryGetValue(told.Name, out NbdExport? export) && _lives.TryGetValue(told, out object? life) && ReferenceEquals(life, export.Life)
            ? export with { Info = told }
            : null;

    /// <summary>An export by name, as one client sees it.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="sight">What the client sees.</param>
    /// <returns>The export; null if there is none, or it is not to be seen.</returns>
    public NbdExport? Find(string name, Sight sight) =>
        !Stopping && _table.ByName.TryGetValue(name, out NbdExport? export) && sight.Includes(export.Guest.Name) ? export : null;

    private static void Remember(ConditionalWeakTable<ExportInfo, object> lives, IReadOnlyList<NbdExport> exports)
    {
        foreach (NbdExport export in exports)
            lives.AddOrUpdate(export.Info, export.Life);
    }

    private static ConditionalWeakTable<ExportInfo, object> LivesOf(IReadOnlyList<NbdExport> exports)
    {
        ConditionalWeakTable<ExportInfo, object> lives = [];
        Remember(lives, exports);
        return lives;
    }

    private sealed class View(NbdExports exports, Func<Sight> sightNow) : IExportDirectory
    {
        public bool TryList([NotNullWhen(true)] out IReadOnlyList<ExportInfo>? infos)
        {
            Sight sight = sightNow();
            infos = exports.Stopping ? null : [.. exports._table.All.Where(export => sight.Includes(export.Guest.Name)).Select(export => export.Info)];
            return infos is not null;
        }

        public ExportLookup Find(string name, out ExportInfo? info)
        {
            Table table = exports._table;
            Sight sight = sightNow();
            NbdExport? found = name.Length > 0 ? table.ByName.GetValueOrDefault(name) : table.All.FirstOrDefault(export => sight.Includes(export.Guest.Name));
            info = null;
            if (found is null || !sight.Includes(found.Guest.Name))
                return ExportLookup.Unknown;
            if (exports.Stopping || !found.IsAvailable() || !found.Guest.HasRoom)
                return ExportLookup.Unavailable;
            info = found.Info;
            return ExportLookup.Found;
        }
    }

    private sealed class Table(IReadOnlyList<NbdExport> exports)
    {
        public readonly Dictionary<string, NbdExport> ByName = exports.ToDictionary(export => export.Info.Name, StringComparer.Ordinal);
        public readonly IReadOnlyList<NbdExport> All = exports;
    }
}
