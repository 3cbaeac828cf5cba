using Akka.Actor;
using Akka.Serialization;

namespace Scheduler.Actors.Akka;

/// <summary>Has Akka.NET write events and snapshots as the other engines do: the same id, manifests and bytes.</summary>
internal sealed class EventSerializer(ExtendedActorSystem system, EventFormat format) : SerializerWithStringManifest(system)
{
    /// <inheritdoc/>
    public override int Identifier => EventFormat.SerializerId;

    /// <inheritdoc/>
    public override string Manifest(object o) => format.ManifestOf(o);

    /// <inheritdoc/>
    public override byte[] ToBinary(object obj) => format.Write(obj).Text;

    /// <inheritdoc/>
    public override object FromBinary(byte[] bytes, string manifest) => format.Read(manifest, Identifier, bytes, "an event or snapshot");
}
