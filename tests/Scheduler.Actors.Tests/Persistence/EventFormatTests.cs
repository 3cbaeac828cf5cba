using System.Text;

namespace Scheduler.Actors.Tests;

public sealed class EventFormatTests
{
    [Fact]
    public void What_is_written_is_read_again_in_the_newest_version()
    {
        (string manifest, byte[] text) = Counter.Format.Write(new Added(3, "me"));
        Assert.Equal(("added/3", """{"Amount":3,"By":"me","crc32c":"26d97382"}"""), (manifest, Encoding.UTF8.GetString(text)));
        Assert.Equal(new Added(3, "me"), Counter.Format.Read(manifest, EventFormat.SerializerId, text, "event 1 of counter"));
    }

    [Fact]
    public void An_older_version_is_upcast() =>
        Assert.Equal(new Added(3, "somebody"), Read("added/2", """{"Amount":3,"crc32c":"e2807b6c"}"""));

    [Fact]
    public void The_first_version_had_no_checksum()
    {
        Assert.Equal(new Added(3, "somebody"), Read("added/1", """{"Amount":3}"""));
        Assert.Equal(new Total(9), Read("total/1", """{"Value":9}"""));
    }

    [Fact]
    public void A_byte_that_has_changed_is_found_whichever_it_is()
    {
        (string manifest, byte[] text) = Counter.Format.Write(new Added(1234, "me"));
        for (int at = 0; at < text.Length; at++)
        {
            // A digit or letter stays one: most of these are valid otherwise.
            text[at] ^= 1;
            Assert.Contains("damaged", Assert.Throws<PersistenceException>(() => Counter.Format.Read(manifest, EventFormat.SerializerId, text, "it")).Message, StringComparison.Ordinal);
            text[at] ^= 1;
        }

        // Nor is it what another manifest says.
        Assert.Contains("checksum", Assert.Throws<PersistenceException>(() => Counter.Format.Read("total/2", EventFormat.SerializerId, text, "it")).Message, StringComparison.Ordinal);
        Assert.Equal(new Added(1234, "me"), Counter.Format.Read(manifest, EventFormat.SerializerId, text, "it"));
    }

    [Theory]
    [InlineData("added/4", """{"Amount":3,"By":"me"}""", "'added/4', and this version of the program reads up to added/3")]
    [InlineData("removed/1", "{}", "'removed/1', which this version of the program does not know")]
    [InlineData("added", "{}", "'added', which")]
    [InlineData("added/0", "{}", "'added/0', which")]
    [InlineData("added/+2", "{}", "'added/+2', which")]
    [InlineData("added/3", """{"Amount":3,"By":"me","Why":"x","crc32c":"a4e42827"}""", "damaged: The JSON property 'Why'")]
    [InlineData("added/3", """{"Amount":3,"crc32c":"d2524309"}""", "damaged: JSON deserialization")]
    [InlineData("added/3", """{"Amount":3,"By":"me"}""", "damaged: it does not end with a checksum")]
    [InlineData("added/3", """{"Amount":3,"By":"me","crc32c":"00000000"}""", "damaged: its checksum is not that of its content")]
    [InlineData("added/3", "null", "damaged")]
    [InlineData("added/1", "[]", "damaged")]
    [InlineData("added/1", "{", "damaged")]
    public void What_is_unknown_newer_or_damaged_is_refused_by_name(string manifest, string text, string message)
    {
        string problem = Assert.Throws<PersistenceException>(() => Read(manifest, text)).Message;
        Assert.Contains(message, problem, StringComparison.Ordinal);
        Assert.StartsWith("event 1 of counter", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_serializers_event_is_refused() => Assert.Contains(
        "serializer 1,",
        Assert.Throws<PersistenceException>(() => Counter.Format.Read("added/3", 1, "{}"u8.ToArray(), "event 1 of counter")).Message,
        StringComparison.Ordinal);

    [Fact]
    public void The_serializers_id_is_pinned() => Assert.Equal(7109, EventFormat.SerializerId);

    private static object Read(string manifest, string text) =>
        Counter.Format.Read(manifest, EventFormat.SerializerId, Encoding.UTF8.GetBytes(text), "event 1 of counter");
}
