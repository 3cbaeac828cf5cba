using System.Runtime.Serialization;
using System.Text;
using Scheduler.Actors;
using Scheduler.Host.Cluster;

namespace Scheduler.Cluster.Tests.Doors;

/// <summary>What nodes say to each other by Akka.NET: these bytes do not change; what another version says is an error that says so.</summary>
public sealed class ClusterSerializerTests
{
    private static readonly ClusterSerializer s_serializer = new(null!);

    public static TheoryData<string, object, string> Messages => new()
    {
        { "find-owner/2", new FindOwner("v", "a", "d"), """{"Volume":"v","Node":"a","Definition":"d"}""" },
        { "owner-is/1", new OwnerIs("a", 7, 4096, [new DiskSize("d", 8192)], "10.0.0.1:4054"), """{"Node":"a","Epoch":7,"BlockSize":4096,"Disks":[{"Name":"d","Size":8192}],"Payload":"10.0.0.1:4054"}""" },
        { "no-owner-yet/1", new NoOwnerYet("a", "why"), """{"Node":"a","Reason":"why"}""" },
        { "attach-ring/3", new AttachRing("a", 3, 7, 6, 5, "d", "g", 128, 1), """{"Node":"a","Ring":3,"Epoch":7,"LastEpoch":6,"Clearings":5,"Disk":"d","Guest":"g","Credits":128,"Streams":1}""" },
        { "ring-taken/2", new RingTaken(3, 7, ulong.MaxValue, 128, "g", 1 << 26, 5), """{"Ring":3,"Epoch":7,"Ticket":18446744073709551615,"Credits":128,"Guest":"g","BufferBytes":67108864,"Clearings":5}""" },
        { "ring-refused/1", new RingRefused(3, "why", true), """{"Ring":3,"Reason":"why","ForGood":true}""" },
        { "catalog-changed/1", new CatalogChanged(7), """{"Number":7}""" },
        { "change-disk/1", new ChangeDisk("disk-added/2", [1, 2], null), """{"Manifest":"disk-added/2","Change":"AQI=","ExpectedRevision":null}""" },
        { "change-taken/1", ChangeTaken.Instance, "{}" },
        { "disk-changed/1", new DiskChanged(null, null, 7, "disk-added/2", [1, 2]), """{"Problem":null,"Reason":null,"Revision":7,"Manifest":"disk-added/2","Disk":"AQI="}""" },
        { "disk-changed/1", new DiskChanged(CatalogProblem.InUse, "why", 0, null, []), """{"Problem":4,"Reason":"why","Revision":0,"Manifest":null,"Disk":""}""" },
        { "detach-disk/1", new DetachDisk("d"), """{"Disk":"d"}""" },
        { "disk-detached/1", new DiskDetached(2), """{"Count":2}""" },
        { "clear-fault/1", new ClearFault(1, "local"), """{"Domain":1,"By":"local"}""" },
        { "fault-answer/1", new FaultAnswer(true, "why"), """{"IsThere":true,"Problem":"why"}""" },
    };

    [Theory]
    [MemberData(nameof(Messages))]
    public void A_message_is_written_as_ever_and_read_again(string manifest, object message, string json)
    {
        Assert.Equal(manifest, s_serializer.Manifest(message));
        Assert.Equal(json, Encoding.UTF8.GetString(s_serializer.ToBinary(message)));
        object read = s_serializer.FromBinary(Encoding.UTF8.GetBytes(json), manifest);
        Assert.Equal(message.GetType(), read.GetType());
        Assert.Equal(json, Encoding.UTF8.GetString(s_serializer.ToBinary(read)));
    }

    [Theory]
    [InlineData("find-owner/1", "{}", "'find-owner/1' is no message that this version of the program knows; have all nodes run the same one")]
    [InlineData("find-owner/2", "{", "a message 'find-owner/2' of another node can't be read: ")]
    [InlineData("find-owner/2", "null", "a message 'find-owner/2' of another node is empty")]
    [InlineData("find-owner/2", """{"Volume":"v","Node":"a"}""", "a message 'find-owner/2' of another node can't be read: ")]
    [InlineData("find-owner/2", """{"Volume":"v","Node":null,"Definition":"d"}""", "a message 'find-owner/2' of another node can't be read: ")]
    [InlineData("no-owner-yet/1", """{"Node":"a","Reason":"why","More":1}""", "a message 'no-owner-yet/1' of another node can't be read: ")]
    public void What_is_of_another_version_or_nothing_at_all_is_refused(string manifest, string json, string problem)
    {
        SerializationException refused = Assert.Throws<SerializationException>(() => s_serializer.FromBinary(Encoding.UTF8.GetBytes(json), manifest));
        Assert.StartsWith(problem, refused.Message, StringComparison.Ordinal);
    }
}
