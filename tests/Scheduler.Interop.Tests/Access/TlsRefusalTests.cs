using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Scheduler.Interop.Tests.Harness;
using Scheduler.Interop.Tests.Nbd;

namespace Scheduler.Interop.Tests.Access;

/// <summary>Who is refused, and that the log says why.</summary>
public sealed class TlsRefusalTests
{
    private const uint OptionList = 3;
    private const uint OptionStartTls = 5;
    private const uint OptionGo = 7;
    private const uint OptionStructuredReply = 8;
    private const uint ReplyAck = 1;
    private const uint ErrorTlsRequired = 0x80000005;
    private const uint ErrorUnknown = 0x80000006;

    [SkippableTheory]
    [InlineData("missing", "the client has shown no certificate")]
    [InlineData("wrong CA", "the client's certificate 'CN=web' is not valid: ")]
    [InlineData("same name of CA", "the client's certificate 'CN=web' is not valid: ")]
    [InlineData("expired", "the client's certificate 'CN=web' is not valid: NotTimeValid")]
    [InlineData("not valid yet", "the client's certificate 'CN=web' is not valid: NotTimeValid")]
    [InlineData("a server's", "the client's certificate 'CN=web' is not valid: NotValidForUsage")]
    public void A_bad_certificate_is_refused_with_the_reason(string kind, string said)
    {
        Requires.Tool("nbdinfo", "qemu-img");
        using TlsPlace place = new();
        using Authority other = new(kind == "same name of CA" ? "Test CA" : "Other CA");
        using X509Certificate2? certificate = kind switch
        {
            "missing" => null,
            "expired" => place.Ca.Issue("CN=web", until: DateTimeOffset.UtcNow.AddMinutes(-5)),
            "not valid yet" => place.Ca.Issue("CN=web", until: DateTimeOffset.UtcNow.AddDays(60)),
            "a server's" => place.Ca.Issue("CN=web", server: true),
            _ => other.Issue("CN=web"),
        };
        using ServiceProcess service = place.Start();
        string directory = place.Client("client", certificate);

        // Its disk, one that is not there, and the list.
        foreach (string disk in new[] { "d0", "d9" })
        {
            ToolResult refused = Tool.Run("nbdinfo", "--size", service.TlsUri(disk, directory));
            Assert.True(refused.Status > 0, refused.ToString());
            Assert.Contains("server policy prevents NBD_OPT_", refused.Error, StringComparison.Ordinal);
        }

        ToolResult list = Tool.Run("nbdinfo", "--list", service.TlsUri("", directory));
        Assert.True(list.Status > 0, list.ToString());
        Assert.DoesNotContain("d0", list.Output, StringComparison.Ordinal);
        Assert.Contains($"refused: {said}", service.Process.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("is no guest's", service.Process.Log, StringComparison.Ordinal);

        // qemu prints what the service says, too, if it does not refuse to use such a certificate.
        ToolResult qemu = Tool.Run(
            "qemu-img", "info", "--object", $"tls-creds-x509,id=tls0,endpoint=client,dir={directory},sanity-check=off",
            "--image-opts", $"driver=nbd,server.type=inet,server.host=127.0.0.1,server.port={service.Endpoint.Port},export=d0,tls-creds=tls0");
        Assert.True(qemu.Status > 0, qemu.ToString());
        Assert.Contains("Denied by server for option", qemu.Error, StringComparison.Ordinal);
        Assert.Contains($"server reported: {said}", qemu.Error, StringComparison.Ordinal);

        // A good one goes on.
        using NbdClient good = NbdClient.OpenTls(service, "d0", place.Web);
        Assert.Equal(new byte[4096], good.CallRead(0, 4096));
        service.AssertNothingBroke();
    }

    [SkippableFact]
    public void Without_TLS_nothing_goes_where_it_is_required()
    {
        using TlsPlace place = new();
        using ServiceProcess service = place.Start();
        using NbdClient client = NbdClient.Dial(service);
        client.TakeGreeting();
        foreach ((uint option, byte[] data) in new[] { (OptionList, (byte[])[]), (OptionStructuredReply, []), (OptionGo, NbdClient.GoData("d0")), (OptionGo, NbdClient.GoData("d9")) })
        {
            client.SendOption(option, data);
            Assert.Equal(ErrorTlsRequired, client.TakeOptionReplies());
        }

        // It is not too late.
        client.StartTls(place.Web);
        client.SendOption(OptionGo, NbdClient.GoData("d0"));
        Assert.Equal(ReplyAck, client.TakeOptionReplies());
        Assert.Equal(new byte[4096], client.CallRead(0, 4096));
        service.AssertNothingBroke();
    }

    [SkippableFact]
    public void A_client_without_identity_sees_nothing_where_guests_have_one()
    {
        using TlsPlace place = new();
        using ServiceProcess service = place.Start(required: false);
        foreach (bool unix in new[] { false, true })
        {
            using NbdClient client = NbdClient.Dial(service, unix);
            client.TakeGreeting();
            client.SendOption(OptionGo, NbdClient.GoData("d0"));
            Assert.Equal(ErrorUnknown, client.TakeOptionReplies());
            client.SendOption(OptionGo, NbdClient.GoData(""));
            Assert.Equal(ErrorUnknown, client.TakeOptionReplies());
        }

        using NbdClient web = NbdClient.OpenTls(service, "d0", place.Web, unix: true);
        Assert.Equal(new byte[4096], web.CallRead(0, 4096));
    }

    [SkippableFact]
    public void A_user_of_the_machine_is_a_guest_over_the_Unix_socket_alone()
    {
        using TlsPlace place = new();
        using ServiceProcess service = place.Start($"guests.g1.uids = [{Tool.Run("id", "-u").Succeeded().Output}]", required: false);
        using (NbdClient own = NbdClient.Open(service, "d1", unix: true))
            Assert.Equal(new byte[4096], own.CallRead(0, 4096));
        Assert.Equal(ErrorUnknown, Ask(service, "d0", unix: true));
        Assert.Equal(ErrorUnknown, Ask(service, "d1", unix: false));
        Assert.Equal("666", Tool.Run("stat", "--format=%a", service.SocketPath).Succeeded().Output);
    }

    [SkippableFact]
    public void A_user_who_is_no_guest_sees_nothing()
    {
        using TlsPlace place = new();
        using ServiceProcess service = place.Start("guests.g1.uids = [4294967294]", required: false);
        Assert.Equal(ErrorUnknown, Ask(service, "d1", unix: true));
        Assert.Contains("is no guest", service.Process.Log, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void Structured_replies_that_were_chosen_in_the_clear_are_forgotten()
    {
        using TlsPlace place = new();
        using ServiceProcess service = place.Start(required: false);
        using NbdClient client = NbdClient.Dial(service);
        client.TakeGreeting();
        client.SendOption(OptionStructuredReply, []);
        Assert.Equal(ReplyAck, client.TakeOptionReplies());
        client.StartTls(place.Web);
        client.SendOption(OptionGo, NbdClient.GoData("d0"));
        Assert.Equal(ReplyAck, client.TakeOptionReplies());

        // A structured reply would have another magic.
        Assert.Equal(new byte[4096], client.CallRead(0, 4096));
        service.AssertNothingBroke();
    }

    [SkippableFact]
    public void What_is_sent_behind_STARTTLS_in_the_clear_ends_the_connection()
    {
        using TlsPlace place = new();
        using ServiceProcess service = place.Start(required: false);
        using NbdClient client = NbdClient.Dial(service);
        client.TakeGreeting();
        client.SendAll([.. Option(OptionStartTls), .. Option(OptionList)]);
        Assert.True(client.IsClosedWithin(TimeSpan.FromSeconds(5)));
        service.AssertNothingBroke();

        static byte[] Option(uint number) => [.. "IHAVEOPT"u8, 0, 0, 0, (byte)number, 0, 0, 0, 0];
    }

    [SkippableTheory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public void Versions_that_are_taken(SslProtocols version)
    {
        using TlsPlace place = new();
        using ServiceProcess service = place.Start();
        using NbdClient client = NbdClient.Dial(service);
        client.TakeGreeting();
        client.StartTls(place.Web, version);
        client.SendOption(OptionGo, NbdClient.GoData("d0"));
        Assert.Equal(ReplyAck, client.TakeOptionReplies());
        Assert.Equal(new byte[4096], client.CallRead(0, 4096));
        service.AssertNothingBroke();
    }

    [SkippableFact]
    public void New_files_are_used_from_the_next_handshake_on_and_bad_ones_are_not()
    {
        using TlsPlace place = new();
        using ServiceProcess service = place.Start();
        using NbdClient before = NbdClient.OpenTls(service, "d0", place.Web);
        Assert.Equal("CN=localhost", before.ServerName);

        string directory = place.Directory.File("tls");
        place.Ca.WriteServer(directory, "CN=second");
        using (NbdClient second = NbdClient.OpenTls(service, "d0", place.Web))
            Assert.Equal("CN=second", second.ServerName);

        File.WriteAllText(Path.Combine(directory, "server-key.pem"), "no key");
        using (NbdClient still = NbdClient.OpenTls(service, "d0", place.Web))
            Assert.Equal("CN=second", still.ServerName);
        Assert.Contains("what was read before stays in force", service.Process.Log, StringComparison.Ordinal);

        // Another CA: who was let in by the old one is let in no more.
        using Authority other = new("Other CA");
        other.WriteServer(directory, "CN=third");
        other.WriteCa(directory);
        using X509Certificate2 web = other.Issue("CN=web");
        using (NbdClient third = NbdClient.OpenTls(service, "d0", web))
            Assert.Equal("CN=third", third.ServerName);
        Assert.NotNull(Record.Exception(() => NbdClient.OpenTls(service, "d0", place.Web).Dispose()));

        // Connections go on.
        Assert.Equal(new byte[4096], before.CallRead(0, 4096));
        service.AssertNothingBroke();
    }

    [SkippableFact]
    public void A_service_without_the_files_does_not_start()
    {
        using TlsPlace place = new();
        File.WriteAllText(Path.Combine(place.Directory.File("tls"), "server-cert.pem"), "nothing");
        InvalidOperationException failure = Assert.Throws<InvalidOperationException>(() => place.Start());
        Assert.Contains("ended with code 1", failure.Message, StringComparison.Ordinal);
        Assert.Contains("scheduler: can't use tls/server-cert.pem for TLS", failure.Message, StringComparison.Ordinal);
    }

    private static uint Ask(ServiceProcess service, string disk, bool unix)
    {
        using NbdClient client = NbdClient.Dial(service, unix);
        client.TakeGreeting();
        client.SendOption(OptionGo, NbdClient.GoData(disk));
        return client.TakeOptionReplies();
    }
}
