using System.Net;

namespace Scheduler.Host.Configuration;

/// <summary>How a node that takes over a volume makes sure that the one before it writes no more (S5).</summary>
public enum FenceMethod
{
    /// <summary>Not at all: the lease alone keeps it out.</summary>
    None = 0,

    /// <summary>A program of the operator's.</summary>
    Command = 1,

    /// <summary>Persistent reservations of SCSI disks.</summary>
    ScsiPr = 2,

    /// <summary>Reservations of NVMe namespaces.</summary>
    Nvme = 3,
}

/// <summary>This node of a cluster.</summary>
public sealed record ClusterSettings
{
    /// <summary>The cluster's name, the same on all nodes.</summary>
    public required string Name { get; init; }

    /// <summary>This node's name, different on all nodes.</summary>
    public required string Node { get; init; }

    /// <summary>Which storage this node reaches.</summary>
    public required IReadOnlyList<string> Roles { get; init; }

    /// <summary>Where the other nodes' actors reach this one's.</summary>
    public required IPEndPoint Listen { get; init; }

    /// <summary>Where the other nodes send what their guests write and read.</summary>
    public required IPEndPoint Payload { get; init; }

    /// <summary><see cref="Listen"/> of some nodes; at least one.</summary>
    public required IReadOnlyList<IPEndPoint> Seeds { get; init; }

    /// <summary>A node that is silent for so long is suspected; 1 s to 1 min.</summary>
    public required TimeSpan DetectAfter { get; init; }

    /// <summary>When who can reach whom has not changed for so long, the smaller part gives up; 1 s to 1 min.</summary>
    public required TimeSpan StableAfter { get; init; }

    /// <summary>How long a volume's lease lasts; 1 s to 1 min.</summary>
    public required TimeSpan Lease { get; init; }

    /// <summary>How an earlier owner is kept out.</summary>
    public required FenceMethod Fence { get; init; }

    /// <summary>The program, and its arguments; empty unless <see cref="Fence"/> is <see cref="FenceMethod.Command"/>.</summary>
    public required IReadOnlyList<string> FenceCommand { get; init; }

    /// <summary>Time for one try; 1 s to 10 min.</summary>
    public required TimeSpan FenceTimeout { get; init; }

    /// <summary>How long a guest's requests wait for a volume that has no owner; 1 s to 1 h.</summary>
    public required TimeSpan ReattachMax { get; init; }
}
