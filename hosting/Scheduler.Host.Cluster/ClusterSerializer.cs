using System.Runtime.Serialization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Akka.Actor;
using Akka.Serialization;

namespace Scheduler.Host.Cluster;

/// <summary>Writes what nodes say to each other: JSON under a manifest that names its kind and version. A node of another version
/// that does not know one drops it, and says so in its log.</summary>
internal sealed class ClusterSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    // Never changed, never used for anything else; a new version of a message gets a line of its own. When what goes between a ring's
    // node and an owner changes, find-owner does too: nodes of different versions find each other's owners not, and say so, instead
    // of owners that understand nothing else.
    private static readonly (string Manifest, JsonTypeInfo Type)[] s_messages =
    [
        ("find-owner/2", ClusterJson.Default.FindOwner),
        ("owner-is/1", ClusterJson.Default.OwnerIs),
        ("no-owner-yet/1", ClusterJson.Default.NoOwnerYet),
        ("attach-ring/3", ClusterJson.Default.AttachRing),
        ("ring-taken/2", ClusterJson.Default.RingTaken),
        ("ring-refused/1", ClusterJson.Default.RingRefused),
        ("catalog-changed/1", ClusterJson.Default.CatalogChanged),
        ("change-disk/1", ClusterJson.Default.ChangeDisk),
        ("change-taken/1", ClusterJson.Default.ChangeTaken),
        ("disk-changed/1", ClusterJson.Default.DiskChanged),
        ("detach-disk/1", ClusterJson.Default.DetachDisk),
        ("disk-detached/1", ClusterJson.Default.DiskDetached),
        ("clear-fault/1", ClusterJson.Default.ClearFault),
        ("fault-answer/1", ClusterJson.Default.FaultAnswer),
    ];

    /// <inheritdoc/>
    public override int Identifier => 7110;

    /// <inheritdoc/>
    public override string Manifest(object o) => Of(message => message.Type.Type == o.GetType(), o.GetType().Name).Manifest;

    /// <inheritdoc/>
    public override byte[] ToBinary(object obj) => JsonSerializer.SerializeToUtf8Bytes(obj, Of(message => message.Type.Type == obj.GetType(), obj.GetType().Name).Type);

    /// <inheritdoc/>
    public override object FromBinary(byte[] bytes, string manifest)
    {
        try
        {
            return JsonSerializer.Deserialize(bytes, Of(message => message.Manifest == manifest, manifest).Type)
                ?? throw new SerializationException($"a message '{manifest}' of another node is empty");
        }
        catch (JsonException malformed)
        {
            throw new SerializationException($"a message '{manifest}' of another node can't be read: {malformed.Message}", malformed);
        }
    }

    private static (string Manifest, JsonTypeInfo Type) Of(Func<(string Manifest, JsonTypeInfo Type), bool> which, string what)
    {
        foreach ((string Manifest, JsonTypeInfo Type) message in s_messages)
        {
            if (which(message))
                return message;
        }

        throw new SerializationException($"'{what}' is no message that this version of the program knows; have all nodes run the same one");
    }
}
