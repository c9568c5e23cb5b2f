//! Images and documents.

use super::*;

fn image(source: Value) -> Value {
    json!({"type": "image", "source": source})
}

fn base64(media_type: &str) -> Value {
    json!({"type": "base64", "media_type": media_type, "data": "AAAA"})
}

fn url(url: &str) -> Value {
    json!({"type": "url", "url": url})
}

fn asked(block: Value) -> Value {
    conversation(json!([{"role": "user", "content": [block]}]))
}

fn first_part(sent: &Sent) -> &Value {
    &sent.body["contents"][0]["parts"][0]
}

/// Case 28: images in the request and at addresses, and kinds that Gemini does not read.
#[test]
fn images_go_along_or_are_fetched_where_their_kind_is_known() {
    for (media_type, sent_type) in
        [("image/png", "image/png"), ("image/jpg", "image/jpeg"), ("IMAGE/WEBP", "image/webp")]
    {
        let sent = send(PRO, asked(image(base64(media_type))));
        assert_eq!(first_part(&sent)["inlineData"], json!({"mimeType": sent_type, "data": "AAAA"}));
    }
    let sent = send(FLASH_2_5, asked(image(url("https://a.example/b/c.PNG?size=1.5#d"))));
    let file = json!({"mimeType": "image/png", "fileUri": "https://a.example/b/c.PNG?size=1.5#d"});
    assert_eq!(first_part(&sent)["fileData"], file);
    let known = Capabilities::default();
    for (model, source, why) in [
        (PRO, base64("image/gif"), "messages.content.image: Gemini reads no image/gif"),
        (PRO, url("https://a.example/c"), "messages.content.image: its address does not tell of which kind it is"),
        (PRO, url("http://a.example/c.png"), "messages.content.image: Gemini fetches only from addresses with https"),
        (
            "gemini-2.0-flash",
            url("https://a.example/c.png"),
            "messages.content.image: the model fetches nothing from addresses",
        ),
        (
            PRO,
            json!({"type": "file", "file_id": "f"}),
            "messages.content.image: the file is in an account of another provider",
        ),
    ] {
        assert_eq!(unfit(&known, model, asked(image(source.clone()))), why, "{source}");
    }
    let blind = Capabilities { images: Some(false), ..Capabilities::default() };
    assert_eq!(
        unfit(&blind, PRO, asked(image(base64("image/png")))),
        "messages.content.image: the model takes no images"
    );
}

#[test]
fn documents_go_along_are_fetched_or_become_text() {
    let document =
        |source: Value| json!({"type": "document", "source": source, "title": "T", "citations": {"enabled": true}});
    let sent = send(PRO, asked(document(base64("application/pdf"))));
    assert_eq!(said(&sent)[0].1[0], json!({"text": "Document: T"}));
    assert_eq!(said(&sent)[0].1[1]["inlineData"]["mimeType"], "application/pdf");
    assert_eq!(sent.losses, ["messages.content.document.citations: dropped"]);
    let sent = send(PRO, asked(document(url("https://a.example/paper"))));
    assert_eq!(said(&sent)[0].1[1]["fileData"]["mimeType"], "application/pdf");
    let plain = json!({"type": "text", "media_type": "text/plain", "data": "Words."});
    assert_eq!(said(&send(PRO, asked(document(plain))))[0].1[1], json!({"text": "Words."}));
    let known = Capabilities { documents: Some(false), ..Capabilities::default() };
    for source in [base64("application/pdf"), url("https://a.example/a.pdf")] {
        assert_eq!(
            unfit(&known, PRO, asked(document(source))),
            "messages.content.document: the model reads no documents"
        );
    }
    let odd = unfit(&Capabilities::default(), PRO, asked(document(base64("application/zip"))));
    assert_eq!(odd, "messages.content.document: Gemini reads no application/zip");
}

/// Case 2: images in the results of parallel calls stay in their results, or stand behind all of them.
#[test]
fn images_in_results_never_stand_between_results() {
    let with_image = |id: &str, media_type: &str| json!({"type": "tool_result", "tool_use_id": id, "content": [text("seen"), image(base64(media_type))]});
    let body = |media_type: &str| {
        conversation(json!([
            {"role": "user", "content": "?"},
            {"role": "assistant", "content": [call("a", "shot"), call("b", "shot")]},
            {"role": "user", "content": [with_image("a", media_type), with_image("b", media_type)]},
        ]))
    };
    let kinds = |sent: &Sent| -> Vec<String> {
        let parts = said(sent)[2].1.as_array().unwrap().clone();
        parts.iter().map(|part| part.as_object().unwrap().keys().next().unwrap().clone()).collect()
    };
    let inside = send(PRO, body("image/png"));
    assert_eq!(kinds(&inside), ["functionResponse", "functionResponse"]);
    let parts = &said(&inside)[2].1;
    assert_eq!(parts[1]["functionResponse"]["parts"][0]["inlineData"]["mimeType"], "image/png");
    let behind = ["functionResponse", "functionResponse", "text", "inlineData", "text", "inlineData"];
    for sent in [send(FLASH_2_5, body("image/png")), send(PRO, body("image/heic"))] {
        assert_eq!(kinds(&sent), behind);
        assert!(sent.losses.contains(&"messages.content.tool_result: images and documents moved behind it".to_owned()));
    }
}
