using System.Text.Json.Serialization;
using Scheduler.Host.Api.Entities;

namespace Scheduler.Host.Load;

/// <summary>What a load's guests ask for.</summary>
internal enum LoadMix
{
    /// <summary>Reads.</summary>
    Read,

    /// <summary>Writes.</summary>
    Write,

    /// <summary>Seven reads to three writes.</summary>
    Mixed,
}

/// <summary>A load.</summary>
internal sealed record LoadSpec
{
    /// <summary>Of the service: <c>blkif:PATH</c>, <c>nbd://HOST[:PORT]</c> or <c>nbd+unix:PATH</c>.</summary>
    public required string Address { get; init; }

    /// <summary>Names of the disks; the guests are dealt out to them in turn.</summary>
    public required IReadOnlyList<string> Disks { get; init; }

    /// <summary>Connections.</summary>
    public required int Guests { get; init; }

    /// <summary>What they ask for.</summary>
    [JsonConverter(typeof(Word<LoadMix>))]
    public required LoadMix Operations { get; init; }

    /// <summary>Bytes of a read or a write; a multiple of 4096 up to 1 MiB.</summary>
    public required int BlockBytes { get; init; }

    /// <summary>Requests that each keeps under way.</summary>
    public required int Depth { get; init; }

    /// <summary>Each so many-th write of a guest is a barrier; 0: none.</summary>
    public required int BarrierEvery { get; init; }

    /// <summary>After each so many writes of a guest comes a flush; 0: none.</summary>
    public required int FlushEvery { get; init; }

    /// <summary>How long.</summary>
    [JsonIgnore]
    public TimeSpan Duration { get; init; }
}

/// <summary>What a request is.</summary>
internal enum LoadOp
{
    /// <summary>A read.</summary>
    Read,

    /// <summary>A write.</summary>
    Write,

    /// <summary>A write that is a barrier.</summary>
    Barrier,

    /// <summary>A flush.</summary>
    Flush,
}

/// <summary>A load can't be run, or broke off.</summary>
/// <param name="message">Why.</param>
internal sealed class LoadException(string message) : Exception(message);
