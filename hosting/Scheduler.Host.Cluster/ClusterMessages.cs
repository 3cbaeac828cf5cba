using System.Text.Json.Serialization;

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
/// <param name="Disk">Name of the disk.</param>
/// <param name="Credits">Request slots that it asks for.</param>
/// <param name="Streams">Its streams.</param>
internal sealed record AttachRing(string Node, long Ring, long Epoch, long LastEpoch, string Disk, int Credits, byte Streams) : IClusterMessage;

/// <summary>Owner to node: its frames are taken.</summary>
/// <param name="Ring">The ring's number.</param>
/// <param name="Epoch">Of the owner.</param>
/// <param name="Ticket">What its frames bear.</param>
/// <param name="Credits">Request slots granted.</param>
/// <param name="Guest">Name of the guest that owns the disk.</param>
/// <param name="BufferBytes">Bytes that the owner has for the guest's data from that node.</param>
internal sealed record RingTaken(long Ring, long Epoch, ulong Ticket, int Credits, string Guest, long BufferBytes) : IClusterMessage;

/// <summary>Owner to node: not taken.</summary>
/// <param name="Ring">The ring's number.</param>
/// <param name="Reason">Why.</param>
/// <param name="ForGood">Whether trying again is of no use.</param>
internal sealed record RingRefused(long Ring, string Reason, bool ForGood) : IClusterMessage;

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
[JsonSourceGenerationOptions(UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, RespectRequiredConstructorParameters = true, RespectNullableAnnotations = true)]
internal sealed partial class ClusterJson : JsonSerializerContext;
