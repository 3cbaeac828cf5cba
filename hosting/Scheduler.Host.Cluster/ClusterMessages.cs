using System.Text.Json.Serialization;
using Scheduler.Actors;

namespace Scheduler.Host.Cluster;

/// <summary>What goes from one node to another by Akka.NET; see <see cref="ClusterSerializer"/> for how it is written.</summary>
internal interface IClusterMessage;

/// <summary>A message for a volume's owner, wherever that is.</summary>
internal interface IVolumeMessage : IClusterMessage
{
    /// <summary>Name of the volume.</summary>
    string Volume { get; }
}

/// <summary>Node to owner: who are you? Has the volume started where nobody has it. Answered with <see cref="OwnerIs"/> or
/// <see cref="NoOwnerYet"/>.</summary>
/// <param name="Volume">Name of the volume.</param>
/// <param name="Node">Who asks.</param>
/// <param name="Definition">What that node takes the volume and its disks to be; see <see cref="VolumeDefinition"/>.</param>
internal sealed record FindOwner(string Volume, string Node, string Definition) : IVolumeMessage;

/// <summary>A disk of a volume.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Size">Bytes.</param>
internal sealed record DiskSize(string Name, long Size);

/// <summary>Owner to node: I am.</summary>
/// <param name="Node">Name of its node.</param>
/// <param name="Epoch">Of its lease.</param>
/// <param name="BlockSize">Granularity of offsets and lengths.</param>
/// <param name="Disks">What it serves.</param>
/// <param name="Payload">Where its node takes what guests write and read: address and port.</param>
internal sealed record OwnerIs(string Node, long Epoch, int BlockSize, IReadOnlyList<DiskSize> Disks, string Payload) : IClusterMessage;

/// <summary>Node that is to own a volume, to node: not now.</summary>
/// <param name="Node">Name of the node that is to.</param>
/// <param name="Reason">Why it does not.</param>
internal sealed record NoOwnerYet(string Node, string Reason) : IClusterMessage;

/// <summary>Node to owner: take a ring. Answered with <see cref="RingTaken"/> or <see cref="RingRefused"/>.</summary>
/// <param name="Node">Name of the ring's node.</param>
/// <param name="Ring">Its number there.</param>
/// <param name="Epoch">Of the owner that is meant.</param>
/// <param name="LastEpoch">Of the owner that the ring was attached to last; 0: none.</param>
/// <param name="Clearings">How many clearings of the volume's faults it has come through.</param>
/// <param name="Disk">Name of the disk.</param>
/// <param name="Guest">Name of the guest that it is of, as far as the ring's node knows.</param>
/// <param name="Credits">Request slots that it asks for.</param>
/// <param name="Streams">Its streams.</param>
internal sealed record AttachRing(string Node, long Ring, long Epoch, long LastEpoch, long Clearings, string Disk, string Guest, int Credits, byte Streams) : IClusterMessage;

/// <summary>Owner to node: its frames are taken.</summary>
/// <param name="Ring">The ring's number.</param>
/// <param name="Epoch">Of the owner.</param>
/// <param name="Ticket">What its frames bear.</param>
/// <param name="Credits">Request slots granted.</param>
/// <param name="Guest">Name of the guest that owns the disk.</param>
/// <param name="BufferBytes">Bytes that the owner has for the guest's data from that node.</param>
/// <param name="Clearings">How often the volume's faults were cleared until now.</param>
internal sealed record RingTaken(long Ring, long Epoch, ulong Ticket, int Credits, string Guest, long BufferBytes, long Clearings) : IClusterMessage;

/// <summary>Owner to node: not taken.</summary>
/// <param name="Ring">The ring's number.</param>
/// <param name="Reason">Why.</param>
/// <param name="ForGood">Whether trying again is of no use.</param>
internal sealed record RingRefused(long Ring, string Reason, bool ForGood) : IClusterMessage;

/// <summary>Node to the others: the catalog has changed. One that gets lost is made up for (CatalogFollower.cs).</summary>
/// <param name="Number">Number of the last change.</param>
internal sealed record CatalogChanged(long Number) : IClusterMessage;

/// <summary>Node to a volume's owner: change a disk of it. Answered with <see cref="ChangeTaken"/> at once and <see cref="DiskChanged"/> in
/// the end. Who stops before that gives it up.</summary>
/// <param name="Manifest">What the change is, as the journal has events.</param>
/// <param name="Change">It. Who decides is the owner.</param>
/// <param name="ExpectedRevision">The revision that the disk must have; null: any.</param>
internal sealed record ChangeDisk(string Manifest, byte[] Change, long? ExpectedRevision) : IClusterMessage;

/// <summary>Owner to node: the change is under way.</summary>
internal sealed record ChangeTaken : IClusterMessage
{
    public static readonly ChangeTaken Instance = new();
}

/// <summary>Owner to node: what has come of the change.</summary>
/// <param name="Problem">Of which kind the refusal is; null: it is made.</param>
/// <param name="Reason">Why it is refused.</param>
/// <param name="Revision">The disk's revision now; 0: it is gone.</param>
/// <param name="Manifest">Of the disk as it is now, as the journal has events; null: it is gone.</param>
/// <param name="Disk">It; empty: it is gone.</param>
internal sealed record DiskChanged(CatalogProblem? Problem, string? Reason, long Revision, string? Manifest, byte[] Disk) : IClusterMessage;

/// <summary>Node to the others: close your connections to a disk. Answered with <see cref="DiskDetached"/>.</summary>
/// <param name="Disk">Name of the disk.</param>
internal sealed record DetachDisk(string Disk) : IClusterMessage;

/// <summary>They are closed.</summary>
/// <param name="Count">How many there were.</param>
internal sealed record DiskDetached(int Count) : IClusterMessage;

/// <summary>Node to a volume's owner: clear a fault. Answered with <see cref="FaultAnswer"/>.</summary>
/// <param name="Domain">Index of the domain.</param>
/// <param name="By">Who clears it.</param>
internal sealed record ClearFault(int Domain, string By) : IClusterMessage;

/// <summary>Owner to node: what has come of it.</summary>
/// <param name="IsThere">Whether there is such a fault.</param>
/// <param name="Problem">Why it is not cleared; null: it is.</param>
internal sealed record FaultAnswer(bool IsThere, string? Problem) : IClusterMessage;

/// <summary>Sharding to a volume's owner: give it up, another node takes it. Never leaves the node.</summary>
internal sealed record HandOver
{
    public static readonly HandOver Instance = new();
}

/// <summary>How the messages are written.</summary>
[JsonSerializable(typeof(FindOwner))]
[JsonSerializable(typeof(OwnerIs))]
[JsonSerializable(typeof(NoOwnerYet))]
[JsonSerializable(typeof(AttachRing))]
[JsonSerializable(typeof(RingTaken))]
[JsonSerializable(typeof(RingRefused))]
[JsonSerializable(typeof(CatalogChanged))]
[JsonSerializable(typeof(ChangeDisk))]
[JsonSerializable(typeof(ChangeTaken))]
[JsonSerializable(typeof(DiskChanged))]
[JsonSerializable(typeof(DetachDisk))]
[JsonSerializable(typeof(DiskDetached))]
[JsonSerializable(typeof(ClearFault))]
[JsonSerializable(typeof(FaultAnswer))]
[JsonSourceGenerationOptions(UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, RespectRequiredConstructorParameters = true, RespectNullableAnnotations = true)]
internal sealed partial class ClusterJson : JsonSerializerContext;
